"""Bytes on the wire that no browser sends, to the very gunicorn that serves."""

import gzip
import re
import socket
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attack.target import Watch, form_body
from tests.servers.test_gunicorn import Process
from tests.support.service import required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile

# What RFC 9112 answers to a coding or a version that nobody speaks.
PROTOCOL = (501, 505)


@dataclass
class Wire:
    """A gunicorn, its databases, and a form that would be taken, as bytes."""

    process: Process
    watch: Watch
    head: dict[str, str]
    body: bytes

    def request(
        self, line: str = "POST /signup HTTP/1.1", body: bytes | None = None, **changes: str | None
    ) -> bytes:
        """The form as bytes, with other headers: None leaves one out."""
        named = {name.replace("_", "-"): value for name, value in changes.items()}
        headers = {**self.head, **named}
        lines = [line, *(f"{n}: {v}" for n, v in headers.items() if v is not None)]
        sent = self.body if body is None else body
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + sent

    def exchange(self, request: bytes) -> bytes:
        """Send these very bytes, and read until the end."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.process.port), 10) as connection:
            connection.settimeout(10)
            try:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                while came := connection.recv(65536):
                    answer += came
            except OSError:
                pass
        return answer

    def judged(self, answer: bytes) -> list[str]:
        """Every promise that an answer breaks; to hang up is one, too."""
        wrong = [f"effects {effects}"] if (effects := self.watch.effects()) else []
        found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
        if answer and not found:
            wrong.append(f"answered {answer[:60]!r}")
        if found and int(found[1]) >= 500 and int(found[1]) not in PROTOCOL:
            wrong.append(f"answered {int(found[1])}")
        if found and int(found[1]) < 400 and b"Content-Security-Policy" not in answer:
            wrong.append("no Content-Security-Policy")
        signs = (
            b"Traceback",
            b"<x-evil",
            b"gunicorn/",
            b"Python/",
            b"Werkzeug",
            b"Set-Cookie: evil",
        )
        return wrong + [f"{sign!r} in the answer" for sign in signs if sign in answer]


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory, mail_server: SMTPServer) -> Iterator[Wire]:
    folder: Path = tmp_path_factory.mktemp("wire")
    strapi = StrapiFile.made_by("5.54.0", folder / "strapi.db")
    mail_server.clear()
    process = Process(required(strapi, mail_server, folder / "ledger.db"), mail_server)
    process.start()
    # So much is refused that its log would fill the pipe, and stop the service.
    reading = ThreadPoolExecutor(1).submit(process._process.communicate)
    cookies = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    page = browser.open(f"{process.url}/signup", timeout=10).read().decode()
    token = re.search(r'csrf_token" type="hidden" value="([^"]+)', page)
    assert token
    fields = {"csrf_token": token[1], "firstname": "Eve", "email": "eve@example.org"}
    body = form_body(fields)
    head = {
        "Host": f"127.0.0.1:{process.port}",
        "Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies),
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    watch = Watch(folder / "ledger.db", strapi.path)
    watch.start()
    yield Wire(process, watch, head, body)
    watch.stop()
    process.terminate()
    said = reading.result(timeout=60)[0].decode()
    traces = [line for line in said.splitlines() if "Traceback" in line]
    assert traces == []


def test_the_form_itself_is_taken(wire: Wire) -> None:
    assert wire.exchange(wire.request()).startswith(b"HTTP/1.1 303")
    assert wire.process.letter("Confirm your address", "eve@example.org")
    wire.watch.effects()


# Bodies whose end two programs could see in different places (T107, T108).
LENGTHS = [
    "{0}\r\nContent-Length: {0}",
    "{0}\r\nContent-Length: 5",
    "5\r\nContent-Length: {0}",
    "{0}, {0}",
    "+{0}",
    "-1",
    "0x{0:x}",
    "{0}.0",
    "{0}e0",
    "\u0661",
    "{0}\x00",
    "99999999999999999999",
    "{0}\r\nTransfer-Encoding: chunked",
    "{0}\r\nTransfer-Encoding: identity",
    "{0}\r\nTransfer-Encoding: xchunked",
    "{0}\r\nTransfer-Encoding: chunked, identity",
    "{0}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: cow",
    "{0}\r\nTransfer-Encoding : chunked",
    "{0}\r\nTransfer-Encoding:\x0bchunked",
    "{0}\r\nTransfer-Encoding:\r\n chunked",
    "{0}\r\n Transfer-Encoding: chunked",
    "20000",
]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_that_can_be_read_in_two_ways_is_refused(
    wire: Wire, tally: Callable[..., None], length: str
) -> None:
    value = length.format(len(wire.body)).encode().decode("latin-1")
    smuggled = b"\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    for after in (b"", smuggled):
        request = wire.request(body=wire.body + after, Content_Length=value)
        answer = wire.exchange(request)
        tally("length of a body to be read in two ways", 1, wire.judged(answer))
        assert b"HTTP/1.1 303" not in answer
        assert answer.count(b"HTTP/1.1 ") <= 1


def test_a_body_in_pieces_is_refused(wire: Wire, tally: Callable[..., None]) -> None:
    whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(wire.body), wire.body)
    for pieces in (
        whole,
        b"ffffffffffffffff\r\n",
        b"-1\r\nx",
        b"0\r\nX-Evil: 1\r\n\r\n",
        b"zz\r\n",
    ):
        request = wire.request(body=pieces, Content_Length=None, Transfer_Encoding="chunked")
        answer = wire.exchange(request)
        tally("body in pieces", 1, wire.judged(answer))
        assert not answer or b" 411 " in answer[:20] or b" 400 " in answer[:20]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:80",
        "{0}\r\nHost: evil.example",
        "evil.example\r\nHost: {0}",
        "{0}@evil.example",
        "evil.example/{0}",
        "evil.example\\{0}",
        "{0}, evil.example",
        "..",
        "<x-evil>",
        "[::1",
        "{0}:99999999",
        "\x00",
        "xn--\xff",
    ],
)
def test_another_host_is_served_nothing(wire: Wire, tally: Callable[..., None], host: str) -> None:
    named = host.format(wire.head["Host"])
    answer = wire.exchange(wire.request(Host=named))
    tally("another host, or two, or none", 1, wire.judged(answer))
    assert b" 303 " not in answer[:20]
    look = wire.exchange(wire.request("GET /signup HTTP/1.1", b"", Host=named, Content_Length=None))
    tally("another host, or two, or none", 1, wire.judged(look))
    assert b"evil.example" not in look


LINES = [
    "GET http://evil.example/signup HTTP/1.1",
    "GET //evil.example/signup HTTP/1.1",
    "POST //evil.example/signup HTTP/1.1",
    "POST evil.example:443 HTTP/1.1",
    "CONNECT evil.example:443 HTTP/1.1",
    "POST * HTTP/1.1",
    "POST /signup",
    "POST /signup HTTP/0.9",
    "POST /signup HTTP/2.0",
    "POST /signup HTTP/9.9",
    "POST /signup HTTP/1.1 HTTP/1.1",
    "POST  /signup  HTTP/1.1",
    "POST\t/signup\tHTTP/1.1",
    "post /signup HTTP/1.1",
    "POST/signup HTTP/1.1",
    " POST /signup HTTP/1.1",
    "P\x00ST /signup HTTP/1.1",
    "POST /signup\x00 HTTP/1.1",
    "POST /sign\xffup HTTP/1.1",
    "POST /signup#x HTTP/1.1\r\nX: \x00",
    "TRACE /signup HTTP/1.1",
    "TRACK /signup HTTP/1.1",
    "DEBUG /signup HTTP/1.1",
    "PUT /signup HTTP/1.1",
    "DELETE /review/2/activate HTTP/1.1",
    "PRI * HTTP/2.0",
    "GET /../../etc/passwd HTTP/1.1",
    "GET /static/../app.py HTTP/1.1",
    "GET /static/..%2f..%2fapp.py HTTP/1.1",
    "GET /" + "a" * 70_000 + " HTTP/1.1",
    "GET /signup?" + "a" * 6000 + " HTTP/1.1",
    "GET /confirm/" + "a" * 3900 + " HTTP/1.1",
    "GET /signup?<x-evil> HTTP/1.1",
    "GET /%0d%0aSet-Cookie:%20evil=1 HTTP/1.1",
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: repr(line[:40]))
def test_no_first_line_gets_through(wire: Wire, tally: Callable[..., None], line: str) -> None:
    answer = wire.exchange(wire.request(line))
    tally("odd first line of a request", 1, wire.judged(answer))
    assert b" 303 " not in answer[:20]
    # gunicorn says, as text, which line it cannot read.
    assert b"evil.example" not in answer or answer.startswith(b"HTTP/1.1 400")


def test_no_header_is_too_odd(wire: Wire, tally: Callable[..., None]) -> None:
    look = "GET /signup HTTP/1.1"
    many = "\r\n".join(["1", *(f"X-{number}: 1" for number in range(300))])
    for name, value in {
        "X-Long": "a" * 70_000,
        "X-Many": many,
        "X-Nul": "a\x00b",
        "X-Cr": "a\rSet-Cookie: evil=1",
        "X-Lf": "a\nSet-Cookie: evil=1",
        "X(Evil)": "1",
        "X Evil": "1",
        "": "1",
        "Cookie": "signup=" + "a" * 7000,
        "cookie": "signup=\xff\xfe; =; ;;; signup=x",
        "Content-Type": "multipart/form-data; boundary=" + "b" * 3000,
        "Content-Encoding": "gzip",
        "Expect": "evil",
        "Upgrade": "h2c",
        "Range": "bytes=0-18446744073709551615",
        "If-Modified-Since": "<x-evil>",
        "If-None-Match": '"' + "a" * 3000,
        "Accept-Language": "{{1337*1337}}",
        "Accept-Encoding": "\xff",
        "User-Agent": "<x-evil>",
        "Referer": "javascript:alert(1)",
        "Authorization": "Basic \xff",
        "Proxy": "http://evil.example",
        "Forwarded": "for=\xff;host=evil.example",
        "X-Forwarded-For": "<x-evil>, " * 100,
        "X-Forwarded-Proto": "javascript",
        "X-Request-ID": "a\tb<x-evil>",
        "Script-Name": "/evil",
        "SCRIPT_NAME": "/evil",
        "Path_Info": "/review",
        "Max-Forwards": "-1",
        "Sec-Fetch-Site": "<x-evil>",
        "Origin": "http://[",
    }.items():
        asked = wire.request(look, b"", Content_Length=None)
        answer = wire.exchange(
            asked.replace(b"\r\n\r\n", f"\r\n{name}: {value}\r\n\r\n".encode("latin-1"))
        )
        tally("odd header", 1, wire.judged(answer))


def test_what_is_no_http_is_refused(wire: Wire, tally: Callable[..., None]) -> None:
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
    ):
        tally("bytes that are no HTTP", 1, wire.judged(wire.exchange(sent)))
    packed = gzip.compress(wire.body)
    sent = wire.request(body=packed, Content_Encoding="gzip", Content_Length=str(len(packed)))
    tally("bytes that are no HTTP", 1, wire.judged(wire.exchange(sent)))


def test_no_request_with_bytes_changed_breaks_it(wire: Wire, tally: Callable[..., None]) -> None:
    # Without its token, the form cannot be taken by accident.
    good = wire.request(Cookie="signup=x")

    @given(st.lists(st.tuples(st.integers(0, len(good) - 1), st.binary(max_size=4)), max_size=6))
    def attack(changes: list[tuple[int, bytes]]) -> None:
        sent = good
        for place, put in changes:
            sent = sent[:place] + put + sent[place + len(put) // 2 :]
        tally("request with bytes changed", 1, wire.judged(wire.exchange(sent)))

    attack()


def test_after_all_that_it_is_well(wire: Wire) -> None:
    health = wire.exchange(wire.request("GET /healthz HTTP/1.1", b"", Content_Length=None))
    assert health.startswith(b"HTTP/1.1 200")
    assert wire.exchange(wire.request()).startswith(b"HTTP/1.1 303")
