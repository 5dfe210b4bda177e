"""How many hostile inputs there are, and what they are aimed at."""

from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import pytest
from hypothesis import HealthCheck, Phase, settings

from models.ledger.database import database
from tests.attack.inputs import FULL
from tests.attack.target import Target, watched
from tests.support.service import Service
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE_PASSWORD, SQLiteFile, StrapiFile

COMMON = {
    "deadline": None,
    "database": None,
    "phases": (Phase.explicit, Phase.generate, Phase.shrink),
    # Every input is aimed at one and the same service, which is watched before and after.
    "suppress_health_check": list(HealthCheck),
}
settings.register_profile("ci", max_examples=10, derandomize=True, **COMMON)  # type: ignore[arg-type]
settings.register_profile("full", max_examples=2000, **COMMON)  # type: ignore[arg-type]
settings.load_profile("full" if FULL else "ci")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, mail_server: SMTPServer) -> Iterator[Target]:
    """The service without limits, which would answer in its place."""
    folder: Path = tmp_path_factory.mktemp("attack")
    strapi = StrapiFile.made_by("5.54.0", folder / "strapi.db")
    # A password that costs as little to check as an old Strapi's.
    cheap = bcrypt.hashpw(SUE_PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    strapi.do("UPDATE admin_users SET password = ? WHERE id = 1", cheap)
    mail_server.clear()
    options: dict[str, object] = {
        "RATELIMIT_ENABLED": False,
        "UNDO_SECONDS": 600,
        "MAX_WAITING": 100_000,
    }
    with watched(Service(strapi, mail_server, SQLiteFile(folder / "ledger.db"), options)) as target:
        yield target
    if not database.is_closed():
        database.close()


@pytest.fixture
def judge(target: Target, tally: Callable[..., None]) -> Callable[..., None]:
    """Tallies an answer as one attack of a kind."""

    def judge(kind: str, answer: object, **claims: object) -> None:
        tally(kind, 1, target.judged(answer, **claims))  # type: ignore[arg-type]

    return judge
