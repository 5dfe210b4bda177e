"""A visitor's browser over real HTTP, reduced to cookies, tokens and forms."""

import contextlib
import http.client
import re
import socket
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message

from signup.rate_limits import MIN_FORM_SECONDS
from tests.support.processes import wait_until
from tests.support.service import ADA, token_in
from tests.support.smtp_server import SMTPServer, text

# Seconds that a request may take on a busy machine.
TIMEOUT = 60


@dataclass
class Answer:
    """A response to a request, and the seconds that it took."""

    status: int
    headers: Message
    text: str
    seconds: float


@dataclass
class Client:
    """A visitor with cookies of his own.

    `connect` opens a connection to the service at `origin`. `pause` is the time in seconds between
    opening the signup form and sending it.
    """

    origin: str
    connect: Callable[[], socket.socket]
    pause: float = MIN_FORM_SECONDS
    cookies: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, and follow no redirect."""
        sent = {"Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items()), **(headers or {})}
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.origin).netloc)
        began = time.monotonic()
        with contextlib.closing(connection):
            connection.sock = self.connect()
            connection.request(method, path, body, sent)
            with connection.getresponse() as response:
                content = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        answer = Answer(response.status, response.headers, content, time.monotonic() - began)
        self.answers.append(answer)
        return answer

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(
        self, path: str, headers: Mapping[str, str] | None = None, page: str = "", **fields: str
    ) -> Answer:
        """Send the form on a page. If the page itself fails, return that answer."""
        seen = self.get(page or path, headers)
        if seen.status >= 500:
            return seen
        if path == "/signup":
            time.sleep(self.pause)
        form = {"csrf_token": token_in(seen.text), **fields}
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": self.origin + path,
            **(headers or {}),
        }
        return self.request("POST", path, urllib.parse.urlencode(form).encode(), sent)


def wait_for_link(mail: SMTPServer, email: str = ADA, kind: str = "confirm") -> str:
    """Wait for an email to `email` with a link of this kind, and return the newest link."""

    def links() -> list[str]:
        texts = "\n".join(map(text, mail.to(email)))
        return re.findall(rf"http\S+/{kind}/\S+", texts)

    wait_until(links)
    return links()[-1]
