"""The tables below a test run: what was done to the service, how often, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Table:
    """What one folder of tests tells: rows of what was tried, and how often a promise broke."""

    tried: str
    broken: str
    rows: dict[str, list[int]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def show(self, reporter: pytest.TerminalReporter, title: str) -> None:
        reporter.section(title)
        reporter.write_line(f"{self.tried:<66}{'tried':>7}{self.broken:>13}")
        for what, (tried, broken) in self.rows.items():
            reporter.write_line(f"{what:<66}{tried:>7}{broken:>13}")
        for line in self.lines:
            reporter.write_line(line)


Tables = pytest.StashKey[dict[str, Table]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[Tables] = {
        "faults": Table("fault", "violations"),
        "attack": Table("attack", "got through"),
    }


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Table:
    """The table of the folder that the test lies in."""
    return request.config.stash[Tables][request.path.parent.name]


@pytest.fixture(scope="module")
def tally(table: Table) -> Callable[..., None]:
    """Notes that something was tried, and fails the test with each promise that it broke."""

    def tally(what: str, tried: int = 1, violations: list[str] | None = None) -> None:
        row = table.rows.setdefault(what, [0, 0])
        row[0] += tried
        row[1] += len(violations or [])
        assert not violations, "\n".join(violations)

    return tally


@pytest.fixture(scope="module")
def measured(table: Table) -> Callable[[str], None]:
    """Notes a line to be read below the table."""
    return table.lines.append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where several processes share the tests, each sends its tables to the one that shows them."""
    if hasattr(session.config, "workeroutput"):
        told = session.config.stash[Tables].items()
        session.config.workeroutput["tallies"] = [(t, x.rows, x.lines) for t, x in told]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the tables of a process that is done."""
    for title, rows, lines in getattr(node, "workeroutput", {}).get("tallies", []):
        table = node.config.stash[Tables][title]
        table.lines += lines
        for what, counted in rows.items():
            row = table.rows.get(what, [0, 0])
            table.rows[what] = [mine + theirs for mine, theirs in zip(row, counted, strict=True)]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for title, table in config.stash[Tables].items():
        if table.rows:
            table.show(terminalreporter, title)
