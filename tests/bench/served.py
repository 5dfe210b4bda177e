"""The service under the gunicorn that the README tells to use, and a browser's essentials."""

import http.client
import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from tests.deployed import eventually
from tests.stage import MailServer, StrapiFile, free_port, required

NO_HEADERS: Mapping[str, str] = {}
ROOT = Path(__file__).parents[2]


class Browser:
    """Cookies, and the token of the newest form."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}
        self._token = ""

    def get(self, path: str) -> str:
        """The text of a page."""
        status, text = self._ask("GET", path)
        assert status == 200, (path, status)
        found = re.search(r'csrf_token" type="hidden" value="([^"]+)', text)
        self._token = found[1] if found else self._token
        return text

    def post(self, path: str, **fields: str) -> None:
        """Send a form, which must be taken."""
        if not self._token:
            self.get(path)
        body = urllib.parse.urlencode({"csrf_token": self._token, **fields})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        status, text = self._ask("POST", path, body, kind)
        assert status == 303, (path, status, text)
        if path.endswith("/login"):
            self._token = ""

    def _ask(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> tuple[int, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request(method, path, body, {"Cookie": cookie, **headers})
            answer = connection.getresponse()
            text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, text


@contextmanager
def served(
    folder: Path, strapi: StrapiFile, mail: MailServer, settings: Mapping[str, object]
) -> Iterator[Browser]:
    """The service on a port of its own, with these settings besides what it requires."""
    port = free_port()
    here = {"PUBLIC_URL": f"http://127.0.0.1:{port}"}
    named = {**required(strapi, mail, folder / "ledger.db"), **here, **settings}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SIGNUP_")}
    environment |= {
        f"SIGNUP_{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in named.items()
    }
    environment["GUNICORN_CMD_ARGS"] = f"--bind 127.0.0.1:{port}"
    command = [str(Path(sys.executable).with_name("gunicorn")), "app:serve()"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            eventually(port)
            yield Browser(port)
        finally:
            process.terminate()
            process.wait(60)
