"""A real Strapi: npm installs each version once, and tests start it beside a database."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.database_servers import Server
from tests.support.paths import DATA
from tests.support.processes import Process, wait_until

APP = DATA / "strapi_app"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "author-signup"
# The admin panel's own libraries, needed only to build the panel.
PANEL = {
    "react": "^18.0.0",
    "react-dom": "^18.0.0",
    "react-router-dom": "^6.0.0",
    "styled-components": "^6.0.0",
}
# Strapi's drivers for PostgreSQL and MariaDB, and its names for the engines.
DRIVERS = {"mysql2": "^3.24.0", "pg": "^8.23.0"}
CLIENTS = {"postgresql": "postgres", "mysql": "mysql"}
# Strapi's account on a server.
ACCOUNT, ACCOUNT_PASSWORD = "strapi", "Strapi1only"
# Seconds that a Strapi may take to start on a busy machine; usually it takes three.
BOOT = 240

NEEDS_STRAPI = [
    pytest.mark.skipif(
        not os.environ.get("REAL_STRAPI"),
        reason="real Strapis run with REAL_STRAPI=1: npm downloads 0.5 GB for each",
    ),
    pytest.mark.skipif(not shutil.which("npm"), reason="no npm: install nodejs and npm"),
    pytest.mark.timeout(900),
    pytest.mark.strapi_cost,
]
# A line of Strapi's log, with its colours: [2026-11-23 …] http: GET /admin/init (3 ms) 500
FAILED = re.compile(r"http\S*: .* ms\) (\x1b\[[0-9;]*m)?5\d\d")


class RealStrapi(Process):
    """A Strapi of one version in a folder of its own, on 127.0.0.1."""

    def __init__(
        self, version: str, folder: Path, port: int, panel: bool = False, **environment: str
    ) -> None:
        super().__init__(folder / "log")
        self.version = version
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.database = folder / ".tmp" / "data.db"
        self._environment = {
            **os.environ,
            "PORT": str(port),
            "PANEL": json.dumps(panel),
            "NODE_ENV": "production",
            "STRAPI_TELEMETRY_DISABLED": "true",
            "STRAPI_DISABLE_UPDATE_NOTIFICATION": "true",
            **environment,
        }
        self._panel = panel

    def install(self) -> None:
        """Download Strapi and compile its SQLite driver, unless that is done.

        Two test runs at the same time take turns.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._install()

    def _install(self) -> None:
        for folder in ("database/migrations", "public/uploads", "src/api", ".tmp"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        shutil.copytree(APP, self.folder, dirs_exist_ok=True)
        for icon in ("favicon.ico", "favicon.png"):
            (self.folder / icon).write_bytes(b"\0\0\1\0")
        package = json.dumps(self._package(), indent=2)
        installed = self.folder / "installed.json"
        if installed.exists() and installed.read_text() == package:
            return
        (self.folder / "package.json").write_text(package)
        # Strapi 4 needs exactly its peer dependencies. Strapi 5 starts without those of its panel.
        peers = "--force" if self._major == 4 else "--legacy-peer-deps"
        quietly = ["--no-audit", "--no-fund", "--loglevel=error"]
        self._run("npm", "install", "--ignore-scripts", *quietly, *([] if self._panel else [peers]))
        self._run("npm", "rebuild", "better-sqlite3")
        if self._panel:
            self._run("npx", "strapi", "build")
        installed.write_text(package)

    def start(self, database: Path | None = None) -> None:
        """Start beside this database file, or beside its own, and wait until it answers.

        The log is written beside the file, also if the data is on a server.
        """
        self.database = database or self.database
        self.log = self.database.with_suffix(".log")
        environment = {**self._environment, "DATABASE_FILENAME": str(self.database)}
        self.launch(["node", "server.js"], environment, self.folder)
        wait_until(lambda: self.call("GET", "/admin/init")[0] == 200 or self.ended(), BOOT)
        assert not self.ended(), self.output()

    def stop(self, seconds: float = 10) -> str:
        """Stop it, or kill it if it takes longer, and return what it wrote."""
        try:
            return super().stop(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.output()

    def failures(self) -> list[str]:
        """The log's lines of requests that it answered with 5xx."""
        return [line for line in self.output().splitlines() if FAILED.search(line)]

    def register_first(self, email: str, password: str) -> str:
        """Create the first super admin, and return a token for `call`."""
        person = {"email": email, "password": password, "firstname": "Sue", "lastname": "Super"}
        status, answer = self.call("POST", "/admin/register-admin", person)
        assert status == 200, answer
        return str(answer["data"]["token"])

    def log_in(self, email: str, password: str) -> tuple[int, Any]:
        """The status and the JSON that Strapi answers to these credentials."""
        return self.call("POST", "/admin/login", {"email": email, "password": password})

    def call(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> tuple[int, Any]:
        """The status and the JSON of Strapi's answer, or status 0 without an answer."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")
        except OSError:
            return 0, None

    def save_profiles(self, token: str, meanwhile: Callable[[], None]) -> list[tuple[int, float]]:
        """The status and the seconds of each save, 50 a second, while `meanwhile` runs."""
        saves: list[tuple[int, float]] = []
        over = threading.Event()

        def save() -> None:
            while not over.wait(0.04):
                began = time.monotonic()
                body = {"firstname": f"Sue {len(saves)}"}
                status, _ = self.call("PUT", "/admin/users/me", body, token)
                saves.append((status, time.monotonic() - began))

        savers = [threading.Thread(target=save) for _ in range(4)]
        with contextlib.ExitStack() as ending:
            for saver in savers:
                saver.start()
                ending.callback(saver.join)
            ending.callback(over.set)
            meanwhile()
        return saves

    @property
    def _major(self) -> int:
        return int(self.version.split(".")[0])

    def _package(self) -> dict[str, object]:
        dependencies = {
            "@strapi/strapi": self.version,
            "@strapi/plugin-users-permissions": self.version,
            "better-sqlite3": "11.10.0" if self._major == 4 else "12.8.0",
            **(DRIVERS if self._major == 5 else {}),
            **(PANEL if self._panel else {}),
        }
        return {
            "name": "strapi-beside-author-signup",
            "private": True,
            "version": "0.1.0",
            "dependencies": dependencies,
            # Before 0.33, sharp did not download its binary from the npm registry.
            "overrides": {"sharp": "0.33.5"} if self._major == 4 else {},
            "strapi": {"telemetryDisabled": True},
        }

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"


def cached(version: str, port: int, **environment: str) -> RealStrapi:
    """A Strapi of this version without its panel, installed once for all test runs."""
    return RealStrapi(version, CACHE / f"strapi-{version}", port, panel=False, **environment)


def cached_on_server(server: Server, database: str, port: int, **environment: str) -> RealStrapi:
    """The newest Strapi with its data in this database, and an account of its own there."""
    server.user(ACCOUNT, ACCOUNT_PASSWORD)
    server.give(database, ACCOUNT)
    connection = {
        "DATABASE_CLIENT": CLIENTS[server.scheme],
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": str(server.port),
        "DATABASE_NAME": database,
        "DATABASE_USERNAME": ACCOUNT,
        "DATABASE_PASSWORD": ACCOUNT_PASSWORD,
    }
    return cached("5.54.0", port, **connection, **environment)
