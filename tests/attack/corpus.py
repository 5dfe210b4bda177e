"""What attackers type into fields, URLs and bodies: tests/data/attacks.json, and longer texts."""

import json
from itertools import chain
from typing import Any

from tests.support.paths import DATA

KNOWN: dict[str, Any] = json.loads((DATA / "attacks.json").read_text())

# What no answer must contain: the result of a template, a format or a shell command.
EVALUATED = ("1787569", "<Config", "<class '", "uid=0(", "root:x:0:0")

LONG = ["a" * 65, "a" * 300, "\U0001f355" * 64, "a" * 1001, "aA1" * 25, "a" * 14000, "\u0301" * 900]
LONG_EMAILS = ["a" * 65 + "@example.org", "a@" + "b" * 250 + ".org"]
TEXTS: list[str] = [*chain.from_iterable(KNOWN["texts"].values()), *LONG, *LONG_EMAILS]

# Percent escapes for a part of a URL or a field of a body.
ESCAPES: list[str] = [*KNOWN["percent escapes"], "a" * 8000]

# Bodies for the API, most of them JSON.
BODIES: list[bytes] = [
    *(body.encode("latin-1") for body in KNOWN["json bodies"]),
    b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 2500 + b"1" + b"}" * 2500,
    b'{"tell": ' + b"9" * 5000 + b"}",
    b'{"reason": "' + b"a" * 1001 + b'"}',
]

REQUEST_LINES: list[str] = [*KNOWN["request lines"], "GET /" + "a" * 70_000 + " HTTP/1.1"]
REQUEST_LINES += [f"GET {path}{'a' * 5000} HTTP/1.1" for path in ("/signup?", "/confirm/")]

HEADERS: list[tuple[str, str]] = [
    *((name, value) for name, value in KNOWN["headers"]),
    ("X-Long", "a" * 70_000),
    ("X-Many", "\r\n".join(["1", *(f"X-{number}: 1" for number in range(300))])),
    ("Cookie", "signup=" + "a" * 7000),
    ("Content-Type", "multipart/form-data; boundary=" + "b" * 3000),
    ("If-None-Match", '"' + "a" * 3000),
    ("X-Forwarded-For", "<x-evil>, " * 100),
]
