"""A real Strapi: installed with npm once for each version, started beside a database."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.database_servers import Server
from tests.support.paths import DATA

APP = DATA / "strapi_app"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "author-signup"
# The admin panel's own libraries, needed only where the panel itself is built.
PANEL = {
    "react": "^18.0.0",
    "react-dom": "^18.0.0",
    "react-router-dom": "^6.0.0",
    "styled-components": "^6.0.0",
}
# What Strapi talks to PostgreSQL and MariaDB with.
DRIVERS = {"mysql2": "^3.24.0", "pg": "^8.23.0"}
# Strapi's names for the engines.
CLIENTS = {"postgresql": "postgres", "mysql": "mysql"}
# Whom Strapi is on a server.
ACCOUNT, ACCOUNT_PASSWORD = "strapi", "Strapi1only"
# Seconds that a Strapi may take to answer for the first time; usually it takes three.
BOOT = 120


NEEDS_STRAPI = [
    pytest.mark.skipif(
        not os.environ.get("REAL_STRAPI"), reason="REAL_STRAPI=1 runs it: npm fetches 0.5 GB each"
    ),
    pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed"),
    pytest.mark.timeout(900),
]
# A line of Strapi's log, with its colours: [2026-11-23 …] http: GET /admin/init (3 ms) 500
FAILED = re.compile(r"http\S*: .* ms\) (\x1b\[[0-9;]*m)?5\d\d")


class RealStrapi:
    """A Strapi of one version in a folder of its own, on 127.0.0.1."""

    def __init__(
        self, version: str, folder: Path, port: int, panel: bool = False, **environment: str
    ) -> None:
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
        self._process: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """Fetch Strapi and compile its SQLite driver, unless that was done before, or is just being
        done by somebody else."""
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
        # Strapi 4 needs its peers as they are; Strapi 5 boots without those of its panel.
        peers = "--force" if self._major == 4 else "--legacy-peer-deps"
        quietly = ["--no-audit", "--no-fund", "--loglevel=error"]
        self._run("npm", "install", "--ignore-scripts", *quietly, *([] if self._panel else [peers]))
        self._run("npm", "rebuild", "better-sqlite3")
        if self._panel:
            self._run("npx", "strapi", "build")
        installed.write_text(package)

    def start(self, database: Path | None = None) -> None:
        """Boot beside `database`, or its own, and wait until it answers.

        Where the data is on a server, only the log lies there."""
        self.database = database or self.database
        environment = {**self._environment, "DATABASE_FILENAME": str(self.database)}
        self.log = self.database.with_suffix(".log").open("ab")
        self._process = subprocess.Popen(
            ["node", "server.js"],
            cwd=self.folder,
            env=environment,
            stdout=self.log,
            stderr=self.log,
        )
        until = time.monotonic() + BOOT
        while self.call("GET", "/admin/init")[0] != 200:
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(0.2)

    def stop(self) -> None:
        """End it, by its process."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            self.log.close()

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def wait(self) -> None:
        """Wait until it ends by itself."""
        assert self._process is not None
        self._process.wait()

    def said(self) -> str:
        """What it wrote so far."""
        return self.database.with_suffix(".log").read_text(errors="replace")

    def failures(self) -> list[str]:
        """The requests that it answered with 5xx."""
        return [line for line in self.said().splitlines() if FAILED.search(line)]

    def register_first(self, email: str, password: str) -> str:
        """Make the first super admin; returns a token to call with."""
        person = {"email": email, "password": password, "firstname": "Sue", "lastname": "Super"}
        status, answer = self.call("POST", "/admin/register-admin", person)
        assert status == 200, answer
        return str(answer["data"]["token"])

    def log_in(self, email: str, password: str) -> tuple[int, Any]:
        """What Strapi answers to these credentials."""
        return self.call("POST", "/admin/login", {"email": email, "password": password})

    def call(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> tuple[int, Any]:
        """Ask Strapi; returns status and JSON, or status 0 when nobody answers."""
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
            # Before 0.33, sharp fetched its binary from elsewhere than the registry.
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
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def cached(version: str, port: int, **environment: str) -> RealStrapi:
    """A headless Strapi of this version, kept between test runs."""
    return RealStrapi(version, CACHE / f"strapi-{version}", port, panel=False, **environment)


def served(server: Server, database: str, port: int, **environment: str) -> RealStrapi:
    """The same with its data in this database, which is there, and with an account of its own."""
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
