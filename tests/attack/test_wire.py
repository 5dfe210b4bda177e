"""Bytes that no browser sends, to the gunicorn that serves."""

import gzip
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attack.corpus import HEADERS, KNOWN, REQUEST_LINES
from tests.attack.target import DatabaseWatch, form_body
from tests.support.http_client import TIMEOUT
from tests.support.report_tables import Report
from tests.support.running_service import RunningService
from tests.support.service import required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile

# The statuses of RFC 9112 for an unknown transfer coding or version.
PROTOCOL = (501, 505)
SIGNS = (b"Traceback", b"<x-evil", b"gunicorn/", b"Python/", b"Werkzeug", b"Set-Cookie: evil")


@dataclass
class Wire:
    """A running service, its databases, and the bytes of a form that would be accepted."""

    process: RunningService
    watch: DatabaseWatch
    head: dict[str, str]
    body: bytes

    def request(
        self, line: str = "POST /signup HTTP/1.1", body: bytes | None = None, **changes: str | None
    ) -> bytes:
        """The form as bytes, with other headers; None removes one."""
        named = {name.replace("_", "-"): value for name, value in changes.items()}
        headers = {**self.head, **named}
        lines = [line, *(f"{n}: {v}" for n, v in headers.items() if v is not None)]
        sent = self.body if body is None else body
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + sent

    def get(self, path: str, **changes: str | None) -> bytes:
        return self.request(f"GET {path} HTTP/1.1", b"", Content_Length=None, **changes)

    def exchange(self, request: bytes) -> bytes:
        """Send these bytes, and read until the service closes the connection."""
        answer = b""
        where = ("127.0.0.1", self.process.port)
        with socket.create_connection(where, TIMEOUT) as connection, suppress(OSError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while received := connection.recv(65536):
                answer += received
        return answer

    def violations(self, answer: bytes) -> Iterator[str]:
        """Every promise that an answer breaks. To close the connection is an answer, too."""
        if changes := self.watch.changes():
            yield f"changes {changes}"
        found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
        status = int(found[1]) if found else 0
        if answer and not found:
            yield f"answered {answer[:60]!r}"
        if status >= 500 and status not in PROTOCOL:
            yield f"answered {status}"
        if 0 < status < 400 and b"Content-Security-Policy" not in answer:
            yield "no Content-Security-Policy"
        yield from (f"{sign!r} in the answer" for sign in SIGNS if sign in answer)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory, mail_server: SMTPServer) -> Iterator[Wire]:
    folder: Path = tmp_path_factory.mktemp("wire")
    strapi = StrapiFile.made_by("5.54.0", folder / "strapi.db")
    mail_server.clear()
    settings = required(strapi, mail_server, folder / "ledger.db")
    with RunningService(settings, mail_server, folder / "output") as process:
        process.start()
        client = process.client()
        token = re.search(r'csrf_token" type="hidden" value="([^"]+)', client.get("/signup").text)
        assert token
        fields = {"csrf_token": token[1], "firstname": "Eve", "email": "eve@example.org"}
        body = form_body(fields)
        head = {
            "Host": f"127.0.0.1:{process.port}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        watch = DatabaseWatch(folder / "ledger.db", strapi.path)
        watch.start()
        yield Wire(process, watch, head, body)
        watch.stop()
        assert "Traceback" not in process.stop()


def test_the_form_itself_is_accepted(wire: Wire) -> None:
    assert wire.exchange(wire.request()).startswith(b"HTTP/1.1 303")
    assert wire.process.wait_for_email("Confirm your address", "eve@example.org")
    wire.watch.changes()


@pytest.mark.parametrize("length", KNOWN["content lengths"])
def test_an_ambiguous_length_is_refused(wire: Wire, report: Report, length: str) -> None:
    value = length.format(len(wire.body)).encode().decode("latin-1")
    smuggled = b"\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    for after in (b"", smuggled):
        answer = wire.exchange(wire.request(body=wire.body + after, Content_Length=value))
        report("ambiguous length of a body", 1, wire.violations(answer))
        assert b"HTTP/1.1 303" not in answer
        assert answer.count(b"HTTP/1.1 ") <= 1


def test_a_chunked_body_is_refused(wire: Wire, report: Report) -> None:
    whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(wire.body), wire.body)
    wrong = [b"ffffffffffffffff\r\n", b"-1\r\nx", b"0\r\nX-Evil: 1\r\n\r\n", b"zz\r\n"]
    for body in (whole, *wrong):
        request = wire.request(body=body, Content_Length=None, Transfer_Encoding="chunked")
        answer = wire.exchange(request)
        report("chunked body", 1, wire.violations(answer))
        assert not answer or b" 411 " in answer[:20] or b" 400 " in answer[:20]


@pytest.mark.parametrize("host", KNOWN["hosts"])
def test_no_other_host_is_served(wire: Wire, report: Report, host: str) -> None:
    named = host.format(wire.head["Host"])
    answer = wire.exchange(wire.request(Host=named))
    page = wire.exchange(wire.get("/signup", Host=named))
    report("another host, or two, or none", 2, [*wire.violations(answer), *wire.violations(page)])
    assert b" 303 " not in answer[:20]
    assert b"evil.example" not in page


@pytest.mark.parametrize("line", REQUEST_LINES, ids=lambda line: repr(line[:40]))
def test_no_request_line_gets_through(wire: Wire, report: Report, line: str) -> None:
    answer = wire.exchange(wire.request(line))
    report("odd request line", 1, wire.violations(answer))
    assert b" 303 " not in answer[:20]
    # gunicorn quotes the line that it cannot read, as text.
    assert b"evil.example" not in answer or answer.startswith(b"HTTP/1.1 400")


def test_no_header_gets_through(wire: Wire, report: Report) -> None:
    for name, value in HEADERS:
        header = f"\r\n{name}: {value}\r\n\r\n".encode("latin-1")
        request = wire.get("/signup").replace(b"\r\n\r\n", header)
        report("odd header", 1, wire.violations(wire.exchange(request)))


def test_bytes_that_are_not_http_are_refused(wire: Wire, report: Report) -> None:
    packed = gzip.compress(wire.body)
    for sent in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + wire.request(),
        b"EHLO evil\r\nMAIL FROM:<>\r\n",
        b"\x00" * 1000,
        b"\r\n" * 500,
        b"\n",
        b"A" * 100_000,
        gzip.compress(wire.request()),
        wire.request(body=packed, Content_Encoding="gzip", Content_Length=str(len(packed))),
    ):
        report("bytes that are not HTTP", 1, wire.violations(wire.exchange(sent)))


def test_a_request_with_changed_bytes_breaks_nothing(wire: Wire, report: Report) -> None:
    # Without its session, the form cannot be accepted by chance.
    good = wire.request(Cookie="signup=x")

    @given(st.lists(st.tuples(st.integers(0, len(good) - 1), st.binary(max_size=4)), max_size=6))
    def attack(changes: list[tuple[int, bytes]]) -> None:
        sent = good
        for place, put in changes:
            sent = sent[:place] + put + sent[place + len(put) // 2 :]
        report("request with changed bytes", 1, wire.violations(wire.exchange(sent)))

    attack()


def test_after_all_attacks_it_is_healthy(wire: Wire) -> None:
    assert wire.exchange(wire.get("/healthz")).startswith(b"HTTP/1.1 200")
    assert wire.exchange(wire.request()).startswith(b"HTTP/1.1 303")
