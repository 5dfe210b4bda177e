"""Threads of one process write to an SQLite file one after the other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from peewee import OperationalError

from models.engines import SQLite


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    """A file with a counter, whose locks are waited for 50 ms."""
    engine: Any = SQLite(str(tmp_path / "some.db"), lock_type="IMMEDIATE", timeout=0.05)
    with engine.connection_context():
        engine.execute_sql("CREATE TABLE counter (n)")
        engine.execute_sql("INSERT INTO counter VALUES (0)")
        yield engine


def read_counter(engine: Any) -> int:
    [number] = engine.execute_sql("SELECT n FROM counter").fetchone()
    return int(number)


def increment(engine: Any) -> None:
    with engine.connection_context(), engine.exclusive_transaction("counter"):
        engine.execute_sql("UPDATE counter SET n = ?", (read_counter(engine) + 1,))


def test_no_write_of_many_threads_is_lost(engine: Any) -> None:
    engine.timeout = 30
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: increment(engine), range(160)))

    assert read_counter(engine) == 160


def test_a_thread_that_waits_too_long_gets_a_temporary_error(engine: Any) -> None:
    with ThreadPoolExecutor(1) as other, engine.exclusive_transaction("counter"):
        error = other.submit(increment, engine).exception()

    assert isinstance(error, OperationalError)
    assert engine.is_temporary(error)
    increment(engine)


def test_a_lock_of_another_process_gives_a_temporary_error(engine: Any, tmp_path: Path) -> None:
    other = SQLite(str(tmp_path / "some.db"), lock_type="IMMEDIATE")
    held = other.exclusive_transaction("counter")
    with other.connection_context(), held, pytest.raises(OperationalError) as caught:
        increment(engine)

    assert engine.is_temporary(caught.value)
    increment(engine)
    assert read_counter(engine) == 1


@pytest.mark.parametrize("statement", ["SELECT nothing", "ROLLBACK", "COMMIT"])
def test_other_threads_can_write_after_a_transaction_that_failed(
    engine: Any, statement: str
) -> None:
    with pytest.raises(OperationalError) as caught, engine.exclusive_transaction("counter"):
        engine.execute_sql(statement)

    assert not engine.is_temporary(caught.value)
    with ThreadPoolExecutor(1) as other:
        other.submit(increment, engine).result()
    assert read_counter(engine) == 1


def test_other_threads_can_write_after_a_commit_that_failed(engine: Any, tmp_path: Path) -> None:
    reader: Any = SQLite(str(tmp_path / "some.db"))
    with reader.connection_context():
        # Without a write-ahead log, an open cursor keeps every other connection from committing.
        cursor = reader.execute_sql("SELECT n FROM counter")
        with pytest.raises(OperationalError):
            increment(engine)
        cursor.close()

    increment(engine)
    assert read_counter(engine) == 1
