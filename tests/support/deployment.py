"""The service as `deploy/` runs it: its unit's gunicorn, and its nginx with our certificate."""

import configparser
import contextlib
import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

import trustme

from signup.rate_limits import MIN_FORM_SECONDS
from tests.support.network import free_port
from tests.support.paths import ROOT
from tests.support.service import required
from tests.support.smtp_server import SMTPServer, text
from tests.support.strapi_file import StrapiFile

# Debian keeps it from the PATH of everybody but root.
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
NAME = "join.example.com"
SERVER = "server 127.0.0.1:5000 fail_timeout=5s;"
UNIT = configparser.RawConfigParser(strict=False)
UNIT.optionxform = str  # type: ignore[method-assign, assignment]
UNIT.read(ROOT / "deploy" / "author-signup.service")

# Around the shipped file: what Debian's nginx.conf has, in a folder of our own.
MAIN = """
daemon off;
master_process off;
pid pid;
events { worker_connections 768; }
http {
    access_log others.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
"""


class Nginx:
    """The shipped configuration, with nothing but ports, folders and the certificate exchanged."""

    def __init__(self, folder: Path, service_port: int, **changes: str) -> None:
        self.folder = folder
        self.https, self.http = free_port(), free_port()
        self.authority = trustme.CA()
        self.trust = ssl.create_default_context()
        self.authority.configure_trust(self.trust)
        certificate = self.authority.issue_cert(NAME)
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
        shipped = (ROOT / "deploy" / "nginx.conf").read_text()
        (folder / "site.conf").write_text(
            replaced(
                shipped,
                {
                    "listen 80;": f"listen 127.0.0.1:{self.http};",
                    "listen 443 ssl;": f"listen 127.0.0.1:{self.https} ssl;",
                    "listen [::]:80;": "",
                    "listen [::]:443 ssl;": "",
                    f"/etc/letsencrypt/live/{NAME}/fullchain.pem": f"{folder}/both.pem",
                    f"/etc/letsencrypt/live/{NAME}/privkey.pem": f"{folder}/both.pem",
                    "/var/log/nginx/": f"{folder}/",
                    SERVER: SERVER.replace("5000", str(service_port)),
                    **changes,
                },
            )
        )
        (folder / "nginx.conf").write_text(MAIN)

    def start(self) -> None:
        assert NGINX
        command = [NGINX, "-p", str(self.folder), "-c", "nginx.conf", "-e", "nginx.log"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE)
        eventually(self.https)

    def stop(self) -> None:
        """Stop, and see that it had nothing to complain about."""
        self._process.terminate()
        _, said = self._process.communicate(timeout=30)
        assert said == b""

    def connect(self, address: str = "127.0.0.1", receive: int = 0) -> ssl.SSLSocket:
        """A verified connection from a network address, which may take little at a time."""
        raw = socket.socket()
        if receive:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        raw.settimeout(30)
        raw.bind((address, 0))
        raw.connect(("127.0.0.1", self.https))
        return self.trust.wrap_socket(raw, server_hostname=NAME)

    def log(self) -> str:
        return "".join(file.read_text() for file in self.folder.glob("*.log"))


class Deployed:
    """gunicorn as the unit starts it, before it nginx, and beside it Strapi's file."""

    def __init__(self, folder: Path, mail: SMTPServer) -> None:
        self.mail = mail
        self.port = free_port()
        self.strapi = StrapiFile.made_by("5.54.0", folder / "strapi.db")
        settings = required(self.strapi, mail, folder / "ledger.db") | {"PROXIES": 1}
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("SIGNUP_")}
        self._environment |= {f"SIGNUP_{name}": str(value) for name, value in settings.items()}
        # Of gunicorn.conf.py, nothing but the port is exchanged.
        self._environment["GUNICORN_CMD_ARGS"] = f"--bind 127.0.0.1:{self.port}"
        self.nginx = Nginx(folder, self.port)

    def start(self) -> None:
        _, *arguments = shlex.split(UNIT["Service"]["ExecStart"])
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("gunicorn")), *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        eventually(self.port)

    def stop(self) -> str:
        """Stop as systemd does; what it said."""
        self._process.send_signal(signal.SIGTERM)
        said, _ = self._process.communicate(timeout=int(UNIT["Service"]["TimeoutStopSec"]))
        return said.decode()

    def link(self, email: str, kind: str = "confirm") -> str:
        """The link in the letter to `email`, once it comes."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for letter in reversed(self.mail.messages):
                found = re.search(rf"\S+/{kind}/\S+", text(letter))
                if letter["To"] == email and found:
                    return found[0]
            time.sleep(0.05)
        raise AssertionError(f"no {kind} link for {email}")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Message
    text: str


@dataclass
class Client:
    """A browser's essentials, at a network address of its own."""

    nginx: Nginx
    address: str
    cookies: dict[str, str] = field(default_factory=dict)
    # Seconds between a look at the form and sending it.
    pause: float = MIN_FORM_SECONDS

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {"Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items()), **(headers or {})}
        connection = http.client.HTTPConnection(NAME)
        connection.sock = self.nginx.connect(self.address)
        with contextlib.closing(connection):
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            content = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return Answer(answer.status, answer.headers, content)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(
        self, path: str, headers: Mapping[str, str] | None = None, page: str = "", **fields: str
    ) -> Answer:
        """Send the form that stands on a page, if that page comes."""
        seen = self.get(page or path, headers)
        if seen.status >= 500:
            return seen
        if path == "/signup":
            # Nobody can set the clock of another process ahead.
            time.sleep(self.pause)
        token = re.search(r'csrf_token" type="hidden" value="([^"]+)', seen.text)
        form = {"csrf_token": token[1] if token else "", **fields}
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": f"https://{NAME}{path}",
            **(headers or {}),
        }
        return self.request("POST", path, urllib.parse.urlencode(form).encode(), sent)


def replaced(shipped: str, changes: Mapping[str, str]) -> str:
    """The text with these exchanges, each of which has something to exchange."""
    for old, new in changes.items():
        assert old in shipped, old
        shipped = shipped.replace(old, new)
    return shipped


def eventually(port: int) -> None:
    """Wait until somebody listens."""
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return
