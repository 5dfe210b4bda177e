"""A real Strapi that is written to all the time, beside a service that confirms."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.lock_probe import LockWatch
from tests.support.network import free_port
from tests.support.service import ADA_PASSWORD, Service
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD, SQLiteFile, StrapiFile
from tests.support.strapi_saves import saving
from tests.support.strapi_server import NEEDS_STRAPI, RealStrapi, cached

pytestmark = NEEDS_STRAPI
Tally = Callable[..., None]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealStrapi]:
    server = cached("5.54.0", free_port())
    server.install()
    server.start(tmp_path_factory.mktemp("strapi") / "data.db")
    yield server
    server.stop()


def test_a_real_strapi_under_load_is_left_in_peace(
    real: RealStrapi,
    mail_server: SMTPServer,
    tmp_path: Path,
    tally: Tally,
    measured: Callable[[str], None],
) -> None:
    token = real.register_first(SUE, SUE_PASSWORD)
    mail_server.clear()
    settings: dict[str, object] = {"RATELIMIT_ENABLED": False}
    service = Service(
        StrapiFile(real.database), mail_server, SQLiteFile(tmp_path / "ledger.db"), settings
    )
    visitor = service.visitor()
    people = [f"author{number}@example.org" for number in range(50)]
    for email in people:
        visitor.ask(email)
    service.deliver()
    links = [visitor.link(email=email) for email in people]

    alone = saving(real, token, lambda: time.sleep(5))
    answers: list[int] = []

    def confirm_ten_a_second() -> None:
        for link in links:
            next_at = time.monotonic() + 0.1
            answers.append(visitor.confirm(link).status_code)
            time.sleep(max(0, next_at - time.monotonic()))

    watch = LockWatch(real.database)
    together = saving(real, token, confirm_ten_a_second)
    held = watch.seen()
    violations = [f"a confirmation got {status}" for status in answers if status != 303]
    violations += [f"Strapi answered {s}" for s, _ in alone + together if s != 200]
    violations += real.failures()
    if len(StrapiFile(real.database).admins()) != 51:
        violations.append("somebody is missing")
    if real.log_in(people[0], ADA_PASSWORD)[0] == 200:
        violations.append("somebody was let in")
    # A lock may come and go between two looks; most of them are seen.
    if len(held) <= len(links) / 2:
        violations.append(f"the lock was seen {len(held)} times, in {len(links)} confirmations")
    measured(f"our lock on Strapi's file, held {spread(held)}")
    for name, done in (("alone", alone), ("beside 10 confirmations/s", together)):
        measured(f"Strapi's own PUTs {name} {spread([each[1] * 1000 for each in done])}")
    tally("real Strapi: PUTs at 50/s beside 10 confirmations/s", len(together), violations)


def spread(to_milliseconds: list[float]) -> str:
    """The middle, the end and the worst of what was measured."""
    cut = statistics.quantiles(to_milliseconds, n=100, method="inclusive")
    return f"p50 {cut[49]:.1f} ms, p99 {cut[98]:.1f} ms, max {max(to_milliseconds):.1f} ms"
