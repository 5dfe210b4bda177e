"""The connection to a database server is cut at any message, and above all at each COMMIT.

If the answer is lost after a COMMIT, the service cannot know whether it was done.
"""

import os
import time
from collections.abc import Iterator
from itertools import count

import pytest

from tests.faults.acts import ACTS, bring_to, violations
from tests.faults.cut_proxy import CutProxy
from tests.support.database_servers import Server
from tests.support.report_tables import Report
from tests.support.service import Service, Start
from tests.support.strapi_file import StrapiFile
from tests.support.strapi_on_server import StrapiOnServer

FULL = os.environ.get("FAULTS") == "full"
# Not in full, every ninth message is cut.
STRIDE = 1 if FULL else 9
FEW = ["signup", "confirm", "activate"]
VISITS = [name for name in ACTS if not name.startswith("send")]
CUTS = [(name, b"COMMIT", 1) for name in VISITS]
CUTS += [(name, b"", STRIDE) for name in (VISITS if FULL else FEW)]
# Seconds that a visitor may wait: 5, and more on a busy machine.
PATIENCE = 20
# TLS would hide the messages.
NO_TLS = {"postgresql": {"sslmode": "disable"}, "mariadb": {"ssl_disabled": "1"}}


@pytest.fixture
def proxy(server: Server) -> Iterator[CutProxy]:
    with CutProxy(server.port) as proxy:
        yield proxy
        proxy.shutdown()


@pytest.fixture
def strapi(server: Server, proxy: CutProxy) -> StrapiFile:
    return behind(proxy, StrapiOnServer.on(server, "strapi"))


@pytest.fixture
def ledger(server: Server, proxy: CutProxy) -> StrapiFile:
    return behind(proxy, StrapiOnServer.empty(server, "ledger"))


def behind(proxy: CutProxy, there: StrapiOnServer) -> StrapiOnServer:
    """The database as the service reaches it through the proxy."""
    url = there.server.url(there.database, **NO_TLS[there.server.name])
    url = url.replace(f":{there.server.port}/", f":{proxy.port}/")
    return StrapiOnServer(there.server, there.database, url)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("name", "only", "stride"), CUTS)
def test_a_cut_connection_loses_nothing_and_does_nothing_twice(
    start: Start,
    proxy: CutProxy,
    report: Report,
    name: str,
    only: bytes,
    stride: int,
    when: str,
) -> None:
    service = start(RATELIMIT_ENABLED=False, MAX_WAITING=100_000)
    broken: list[str] = []
    tried = 0
    for nth in count(1, stride):
        tried += 1
        with_cut = list(cut_one(service, proxy, name, nth, when, only))
        message = (only or b"message").decode()
        broken += [f"{name}, cut {when} {message} {nth}: {each}" for each in with_cut]
        if proxy.seen < nth:
            break
    assert tried > 1, "no message was cut"
    report(f"connection cut {when} {only.decode() or 'any message'}", tried, broken)


def cut_one(
    service: Service, proxy: CutProxy, name: str, nth: int, when: str, only: bytes
) -> Iterator[str]:
    """Let a new person do the act while the nth message is cut; say what is wrong then."""
    act, email = ACTS[name], f"author{nth}@example.org"
    person = bring_to(service, act.before, email)
    visitor = service.visitor()
    if act.needs_login:
        visitor.log_in()
    began = time.monotonic()
    with proxy.cut(nth, when, only):
        answer = act.do(visitor, person)
    seconds = time.monotonic() - began
    assert answer
    if answer.status_code not in (200, 303, 503):
        yield f"the answer is {answer.status_code}"
    if seconds > PATIENCE:
        yield f"the answer took {seconds:.1f} s"
    if answer.status_code not in (200, 303):
        again = act.do(visitor, person)
        if again is None or again.status_code not in (200, 303):
            yield f"repeated, it is answered with {again}"
    service.deliver()
    yield from violations(service, email, act.after)
