"""The tables below a test run: what was tried, how often, and how many promises broke."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

# What the `report` fixture does: count attempts in a row, and fail for each violation.
Report = Callable[..., None]


@dataclass
class Table:
    """The table of one folder of tests, and the lines printed below it."""

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
    """The table of the folder that the test is in."""
    return request.config.stash[Tables][request.path.parent.name]


@pytest.fixture(scope="module")
def report(table: Table) -> Report:
    """Count attempts in a row of the table, and fail the test if a promise broke."""

    def report(what: str, tried: int = 1, violations: Iterable[str] = ()) -> None:
        found = list(violations)
        row = table.rows.setdefault(what, [0, 0])
        row[0] += tried
        row[1] += len(found)
        assert not found, "\n".join(found)

    return report


@pytest.fixture(scope="module")
def report_line(table: Table) -> Callable[[str], None]:
    """Print a line below the table."""
    return table.lines.append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the tables of a pytest-xdist worker to the process that prints them."""
    if hasattr(session.config, "workeroutput"):
        tables = session.config.stash[Tables].items()
        session.config.workeroutput["tables"] = [(t, x.rows, x.lines) for t, x in tables]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the tables of a pytest-xdist worker that has finished."""
    for title, rows, lines in getattr(node, "workeroutput", {}).get("tables", []):
        table = node.config.stash[Tables][title]
        table.lines += lines
        for what, counted in rows.items():
            row = table.rows.get(what, [0, 0])
            table.rows[what] = [here + there for here, there in zip(row, counted, strict=True)]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for title, table in config.stash[Tables].items():
        if table.rows:
            table.show(terminalreporter, title)
