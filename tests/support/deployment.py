"""The service as `deploy/` runs it: nginx and gunicorn, with our own ports and certificate."""

import configparser
import os
import shlex
import shutil
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest
import trustme

from signup.rate_limits import MIN_FORM_SECONDS
from tests.support.http_client import TIMEOUT, Client, wait_for_link
from tests.support.network import free_port
from tests.support.paths import ROOT
from tests.support.processes import Gunicorn, Process, listens, wait_until
from tests.support.service import required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile

# On Debian, /usr/sbin is on the PATH of root only.
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
NEEDS_NGINX = pytest.mark.skipif(not NGINX, reason="no nginx: install nginx-light")
NAME = "join.example.com"
UPSTREAM = "server 127.0.0.1:5000 fail_timeout=5s;"
# Headers in which a visitor claims another IP, host or path.
FORGED = {
    "X-Forwarded-For": "198.51.100.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "8080",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Protocol": "http",
    "X-Forwarded-Ssl": "off",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "X-Real-IP": "198.51.100.1",
    "Forwarded": "for=198.51.100.1;host=evil.example;proto=http",
    "SCRIPT_NAME": "/evil",
    "PATH_INFO": "/evil",
    "Script-Name": "/evil",
}
UNIT = configparser.RawConfigParser(strict=False)
UNIT.optionxform = str  # type: ignore[method-assign, assignment]
UNIT.read(ROOT / "deploy" / "author-signup.service")

# What includes the shipped file, as Debian's nginx.conf does, in a folder of our own.
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


class Nginx(Process):
    """nginx with the shipped configuration; only ports, folders and the certificate differ."""

    def __init__(self, folder: Path, upstream: str, **changes: str) -> None:
        super().__init__(folder / "stderr")
        self.folder = folder
        self.https, self.http = free_port(), free_port()
        authority = trustme.CA()
        self._trust = ssl.create_default_context()
        authority.configure_trust(self._trust)
        certificate = authority.issue_cert(NAME)
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
        ours = {
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.https} ssl;",
            "listen [::]:80;": "",
            "listen [::]:443 ssl;": "",
            f"/etc/letsencrypt/live/{NAME}/fullchain.pem": f"{folder}/both.pem",
            f"/etc/letsencrypt/live/{NAME}/privkey.pem": f"{folder}/both.pem",
            "/var/log/nginx/": f"{folder}/",
            UPSTREAM: upstream,
        }
        shipped = (ROOT / "deploy" / "nginx.conf").read_text()
        (folder / "site.conf").write_text(replace_all(shipped, {**ours, **changes}))
        (folder / "nginx.conf").write_text(MAIN)

    def start(self) -> None:
        assert NGINX
        self.launch([NGINX, "-p", str(self.folder), "-c", "nginx.conf", "-e", "nginx.log"])
        wait_until(lambda: listens(self.https) or self.ended())

    def connect(self, ip: str = "127.0.0.1", receive_buffer: int = 0) -> ssl.SSLSocket:
        """A verified connection from this local IP. A small buffer makes a slow reader."""
        raw = socket.socket()
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(TIMEOUT)
        raw.bind((ip, 0))
        raw.connect(("127.0.0.1", self.https))
        return self._trust.wrap_socket(raw, server_hostname=NAME)

    def client(self, ip: str, pause: float = MIN_FORM_SECONDS) -> Client:
        """A visitor from this local IP."""
        return Client(f"https://{NAME}", lambda: self.connect(ip), pause)

    def logs(self) -> str:
        """What nginx has logged so far."""
        return "".join(file.read_text() for file in self.folder.glob("*.log"))


class Deployment:
    """gunicorn as the systemd unit starts it, nginx in front, and Strapi's file beside."""

    def __init__(self, folder: Path, mail: SMTPServer) -> None:
        self.mail = mail
        self.strapi = StrapiFile.made_by("5.54.0", folder / "strapi.db")
        settings = required(self.strapi, mail, folder / "ledger.db") | {"PROXIES": 1}
        _, *arguments = shlex.split(UNIT["Service"]["ExecStart"])
        self.gunicorn = Gunicorn(settings, folder / "output", *arguments)
        self.nginx = Nginx(folder, UPSTREAM.replace("5000", str(self.gunicorn.port)))

    def __enter__(self) -> Self:
        self.gunicorn.start()
        self.nginx.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.nginx.kill()
        self.gunicorn.kill()

    def stop_gunicorn(self) -> str:
        """Stop gunicorn in the time that the unit gives it, and return what it wrote."""
        return self.gunicorn.stop(int(UNIT["Service"]["TimeoutStopSec"]))

    def link(self, email: str) -> str:
        """Wait for the confirmation email, and return its link."""
        return wait_for_link(self.mail, email)


def replace_all(shipped: str, changes: Mapping[str, str]) -> str:
    """The text after these replacements. Each old text must be there."""
    for old, new in changes.items():
        assert old in shipped, old
        shipped = shipped.replace(old, new)
    return shipped
