"""The service confirms beside a real Strapi that saves all the time."""

import statistics
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.lock_probe import LockProbe
from tests.support.network import free_port
from tests.support.report_tables import Report
from tests.support.service import ADA_PASSWORD, Service
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD, SQLiteFile, StrapiFile
from tests.support.strapi_server import NEEDS_STRAPI, RealStrapi, cached

pytestmark = NEEDS_STRAPI


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealStrapi]:
    with cached("5.54.0", free_port()) as real:
        real.install()
        real.start(tmp_path_factory.mktemp("strapi") / "data.db")
        yield real


def test_a_busy_strapi_and_the_service_do_not_disturb_each_other(
    real: RealStrapi,
    mail_server: SMTPServer,
    report: Report,
    report_line: Callable[[str], None],
) -> None:
    token = real.register_first(SUE, SUE_PASSWORD)
    mail_server.clear()
    settings: dict[str, object] = {"RATELIMIT_ENABLED": False}
    ledger = SQLiteFile(real.database.with_name("ledger.db"))
    service = Service(StrapiFile(real.database), mail_server, ledger, settings)
    confirmations = Confirmations(service)

    alone = real.save_profiles(token, lambda: time.sleep(5))
    probe = LockProbe(real.database)
    together = real.save_profiles(token, confirmations.ten_a_second)
    locked = probe.seen()
    service.end()

    broken = [*confirmations.violations(real)]
    broken += [f"Strapi answered {s}" for s, _ in alone + together if s != 200]
    broken += real.failures()
    if not locked:
        broken.append("the lock was never seen")
    report_line(f"our lock on Strapi's file, held {spread(locked)}")
    for name, saves in (("alone", alone), ("beside 10 confirmations/s", together)):
        report_line(f"Strapi's own PUTs {name} {spread([each[1] * 1000 for each in saves])}")
    report("real Strapi: PUTs at 50/s beside 10 confirmations/s", len(together), broken)


class Confirmations:
    """Fifty people with a link, who confirm one after the other."""

    def __init__(self, service: Service) -> None:
        self.visitor = service.visitor()
        self.emails = [f"author{number}@example.org" for number in range(50)]
        self.statuses: list[int] = []
        for email in self.emails:
            self.visitor.ask(email)
        service.deliver()

    def ten_a_second(self) -> None:
        for email in self.emails:
            next_at = time.monotonic() + 0.1
            self.statuses.append(self.visitor.confirm(self.visitor.link(email=email)).status_code)
            time.sleep(max(0, next_at - time.monotonic()))

    def violations(self, real: RealStrapi) -> Iterator[str]:
        yield from (f"a confirmation got {status}" for status in self.statuses if status != 303)
        if len(StrapiFile(real.database).admins()) != 1 + len(self.emails):
            yield "an author is missing"
        if real.log_in(self.emails[0], ADA_PASSWORD)[0] == 200:
            yield "an author can log in"


def spread(milliseconds: list[float]) -> str:
    """The median, the 99th percentile and the maximum."""
    cut = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return f"p50 {cut[49]:.1f} ms, p99 {cut[98]:.1f} ms, max {max(milliseconds):.1f} ms"
