"""A process that is killed while it migrates the ledger. The next one finishes the work."""

import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from models.ledger.database import engine_for, migrate
from tests.support.database_servers import Server
from tests.support.report_tables import Report
from tests.support.strapi_on_server import ENGINES

# Not in full, the process is killed at every ninth statement.
STRIDE = 1 if os.environ.get("FAULTS") == "full" else 9
CHILD = 0


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Make an empty database on this engine; return its URL."""

    def empty() -> str:
        if request.param == "sqlite":
            return f"sqlite:///{tmp_path}/{next(numbers)}.db"
        server: Server = request.getfixturevalue(request.param)
        server.create("migrated")
        return server.url("migrated")

    numbers = count()
    return empty


@pytest.mark.parametrize("empty", ["sqlite", *ENGINES], indirect=True)
def test_a_migration_that_was_killed_is_finished(empty: Callable[[], str], report: Report) -> None:
    whole = schema(empty())
    broken, kills = [], 0
    for statements in count(1, STRIDE):
        url = empty()
        if not migrate_and_die(url, statements):
            break
        kills += 1
        if schema(url) != whole:
            broken.append(f"killed before statement {statements}: another schema")
    assert kills > 50 / STRIDE
    report(f"kill -9 during the migrations: {url.partition(':')[0]}", kills, broken)


def migrate_and_die(url: str, statements: int) -> bool:
    """Migrate in a child process that is killed after so many statements; return whether it was."""
    child = os.fork()
    if child == CHILD:
        engine: Any = engine_for(url)
        execute = engine.execute_sql
        left = iter(range(statements))

        def execute_or_die(*arguments: Any) -> Any:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(*arguments)

        engine.execute_sql = execute_or_die
        try:
            migrate(engine)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def schema(url: str) -> dict[str, Any]:
    """Migrate; return the columns and the indexes of every table."""
    engine = engine_for(url)
    migrate(engine)
    with engine.connection_context():
        tables = {
            table: (
                [(c.name, c.data_type, c.null, c.default) for c in engine.get_columns(table)],
                sorted((i.name, i.columns, i.unique) for i in engine.get_indexes(table)),
                [key[:3] for key in engine.get_foreign_keys(table)],
            )
            for table in sorted(engine.get_tables())
        }
    engine.close_idle()
    return tables
