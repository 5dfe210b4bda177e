"""How many hostile inputs there are, and the service that they attack."""

from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import pytest
from hypothesis import HealthCheck, Phase, settings

from models.ledger.database import database
from tests.attack.inputs import FULL
from tests.attack.target import Target
from tests.support.report_tables import Report
from tests.support.service import Service
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE_PASSWORD, SQLiteFile, StrapiFile

Check = Callable[..., None]

settings.register_profile(
    "attack",
    max_examples=2000 if FULL else 10,
    derandomize=not FULL,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    # All inputs attack the same service, which is checked after each.
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("attack")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, mail_server: SMTPServer) -> Iterator[Target]:
    """The service without its limits, which would answer most attacks."""
    folder: Path = tmp_path_factory.mktemp("attack")
    strapi = StrapiFile.made_by("5.54.0", folder / "strapi.db")
    # A hash that is checked quickly.
    cheap = bcrypt.hashpw(SUE_PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    strapi.do("UPDATE admin_users SET password = ? WHERE id = 1", cheap)
    mail_server.clear()
    options: dict[str, object] = {
        "RATELIMIT_ENABLED": False,
        "UNDO_SECONDS": 600,
        "MAX_WAITING": 100_000,
    }
    target = Target(Service(strapi, mail_server, SQLiteFile(folder / "ledger.db"), options))
    target.begin()
    yield target
    target.watch.stop()
    if not database.is_closed():
        database.close()


@pytest.fixture
def check(target: Target, report: Report) -> Check:
    """Count an answer as one attack of a kind, and fail if it breaks a promise."""

    def check(kind: str, answer: object, **expected: object) -> None:
        report(kind, 1, target.violations(answer, **expected))  # type: ignore[arg-type]

    return check
