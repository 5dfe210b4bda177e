"""The threads of one process write to an SQLite file one after the other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from peewee import OperationalError

from models.engines import SQLite


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    """A file whose lock is waited for no longer than 50 ms."""
    engine: Any = SQLite(str(tmp_path / "some.db"), lock_type="IMMEDIATE", timeout=0.05)
    with engine.connection_context():
        engine.execute_sql("CREATE TABLE count (n)")
        engine.execute_sql("INSERT INTO count VALUES (0)")
        yield engine


def counted(engine: Any) -> int:
    [number] = engine.execute_sql("SELECT n FROM count").fetchone()
    return int(number)


def count_on(engine: Any) -> None:
    with engine.connection_context(), engine.exclusive_transaction("count"):
        engine.execute_sql("UPDATE count SET n = ?", (counted(engine) + 1,))


def test_all_threads_get_the_lock_in_time(engine: Any) -> None:
    engine.timeout = 30
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: count_on(engine), range(160)))
    assert counted(engine) == 160


def test_a_thread_that_waits_too_long_gets_a_temporary_error(engine: Any) -> None:
    with ThreadPoolExecutor(1) as other, engine.exclusive_transaction("count"):
        error = other.submit(count_on, engine).exception()
    assert isinstance(error, OperationalError)
    assert engine.is_temporary(error)
    count_on(engine)


@pytest.mark.parametrize("statement", ["SELECT nothing", "ROLLBACK", "COMMIT"])
def test_a_transaction_that_fails_frees_the_lock(engine: Any, statement: str) -> None:
    with pytest.raises(OperationalError), engine.exclusive_transaction("count"):
        engine.execute_sql(statement)
    with ThreadPoolExecutor(1) as other:
        other.submit(count_on, engine).result()
    assert counted(engine) == 1


def test_a_lock_of_another_process_leaves_ours_free(engine: Any, tmp_path: Path) -> None:
    holder = SQLite(str(tmp_path / "some.db"), lock_type="IMMEDIATE")
    with (
        holder.connection_context(),
        holder.exclusive_transaction("count"),
        pytest.raises(OperationalError),
    ):
        count_on(engine)
    count_on(engine)
    assert counted(engine) == 1


def test_a_commit_that_a_reader_blocks_frees_the_lock(engine: Any, tmp_path: Path) -> None:
    reader: Any = SQLite(str(tmp_path / "some.db"))
    with reader.connection_context():
        # Without a write-ahead log, a reader blocks every commit.
        rows = reader.execute_sql("SELECT n FROM count")
        with pytest.raises(OperationalError):
            count_on(engine)
        rows.close()
    count_on(engine)
    assert counted(engine) == 1
