"""The table that the fault tests fill in: what was done to the service, how often, and how
often it broke a promise."""

from collections.abc import Callable

import pytest

Lines = pytest.StashKey[list[str]]()
Table = pytest.StashKey[dict[str, list[int]]]()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Notes that a fault was tried, and fails the test with each promise that it broke."""
    table = request.config.stash.setdefault(Table, {})

    def tally(fault: str, tried: int = 1, violations: list[str] | None = None) -> None:
        row = table.setdefault(fault, [0, 0])
        row[0] += tried
        row[1] += len(violations or [])
        assert not violations, "\n".join(violations)

    return tally


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Notes a line to be read below the table."""
    return request.config.stash.setdefault(Lines, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    table = config.stash.get(Table, {})
    if not table:
        return
    terminalreporter.section("faults")
    terminalreporter.write_line(f"{'fault':<66}{'tried':>7}{'violations':>12}")
    for fault, (tried, violations) in table.items():
        terminalreporter.write_line(f"{fault:<66}{tried:>7}{violations:>12}")
    for line in config.stash.get(Lines, []):
        terminalreporter.write_line(line)
