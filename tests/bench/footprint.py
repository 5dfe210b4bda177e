"""How long until the first answer, how much memory, and how many bytes the form has."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.effort import Effort
from tests.bench.figures import goal, spread
from tests.bench.forum import VERSION, forum
from tests.bench.load import Load, play
from tests.bench.measured import Measured, measured
from tests.bench.post import Post
from tests.bench.served import Browser

CLIENTS = 4
# After so many requests, every thread has worked, and every template is compiled.
WARM = 1000
# What grows with each request would be far more than a tenth.
GROWTH = 0.1
# Seconds within which all are answered.
PATIENCE = 3600.0
# A form's stylesheet, icon and scripts.
PARTS = re.compile(r'<(?:link|script|img)[^>]*(?:href|src)="([^"]+)"')


def run(effort: Effort) -> Iterator[str]:
    """Start, look, and ask very often; yields the lines of a table."""
    starts = [start_takes() for _ in range(effort.rounds)]
    with ExitStack() as stack:
        post = Post()
        stack.callback(post.stop)
        service = stack.enter_context(measured(post.port))
        idle = memory(service)
        warm = memory_after(service, min(WARM, effort.requests))
        end = memory_after(service, effort.requests)
        page = service.browser.get("/signup")
        parts = {path: bytes_of(service, path) for path in PARTS.findall(page)}
    other = strapi(effort) if effort.strapi else [""] * 4
    names = ", ".join(Path(urlsplit(path).path).name for path in parts)
    yield f"| | this service | Strapi {VERSION} |"
    yield "|---|---|---|"
    yield f"| from start to first answer | {spread(starts, 2)} s | {other[0]} |"
    yield f"| resident memory, idle | {idle:.1f} MB | {other[1]} |"
    yield f"| after {min(WARM, effort.requests):,} requests | {warm:.1f} MB | {other[2]} |"
    yield f"| after {effort.requests:,} more | {end:.1f} MB | {other[3]} |"
    yield f"| the form: HTML, {names} | {len(page.encode()) + sum(parts.values()):,} bytes | |"
    yield ""
    found = f"{100 * (end / warm - 1):+.1f} %"
    yield goal("no growth of memory", end <= warm * (1 + GROWTH), found)


def start_takes() -> float:
    """Seconds from the start of gunicorn to the form, beside a thousand people."""
    post = Post()
    try:
        with measured(post.port) as service:
            return service.started_in
    finally:
        post.stop()


def memory(service: Measured) -> float:
    """The resident memory of gunicorn's two processes."""
    return sum(map(resident, (service.served.master, service.served.worker)))


def resident(process: int) -> float:
    """The resident memory of a process in MB, as its machine tells it."""
    said = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", said)
    assert found
    return int(found[1]) / 1024


def memory_after(service: Measured, requests: int) -> float:
    """The same once so many requests were answered: nine in ten look, then the others ask."""
    looks = [service.browser.getting("/signup")] * (requests * 9 // 10)
    for status, some in ((200, looks), (303, service.applications(requests // 10))):
        play(Load(service.port, some, status, CLIENTS, PATIENCE))
    return memory(service)


def bytes_of(service: Measured, path: str) -> int:
    """How long a part of the page is."""
    return len(service.browser.get(urlsplit(path).path).encode())


def strapi(effort: Effort) -> list[str]:
    """How long a real Strapi takes to its first answer, and its memory then and later, where it is
    asked for as much: what its panel asks for before anybody signs in."""
    with forum() as other:
        sizes = [resident(other.strapi.pid)]
        looks = [Browser(other.port).getting("/admin/init")]
        for requests in (min(WARM, effort.requests), effort.requests):
            play(Load(other.port, looks * requests, 200, CLIENTS, PATIENCE))
            sizes.append(resident(other.strapi.pid))
        return [f"{other.booted_in:.2f} s", *(f"{size:.1f} MB" for size in sizes)]
