"""The benchmarks run, on little; what they measure is for `make bench` to say."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench import (
    confirmations,
    desk,
    footprint,
    growth,
    independence,
    pages,
    paper,
    peace,
    report,
    scale,
    starvation,
)
from tests.bench.effort import QUICK, Effort
from tests.bench.load import Answers, Load, Running
from tests.bench.measured import measured
from tests.support.database_servers import PostgreSQL
from tests.support.network import free_port
from tests.support.strapi_server import NEEDS_STRAPI

WITH_STRAPI = dataclasses.replace(QUICK, strapi=True)


def rows(run: Callable[[Effort], Iterator[str]], effort: Effort = QUICK) -> dict[str, list[str]]:
    """The cells of the tables by their first."""
    lines = [line for line in run(effort) if line.startswith("|") and not line.startswith("|--")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def number(cell: str) -> float:
    """The first number of a cell."""
    found = re.search(r"-?[\d,]+(\.\d+)?", cell)
    assert found, cell
    return float(found[0].replace(",", ""))


def test_the_desk_is_measured() -> None:
    table = rows(desk.run)

    assert list(table) == ["act", *desk.ACTS]


def test_confirmations_are_measured_beside_bare_bcrypt() -> None:
    table = rows(confirmations.run)

    for clients in ("1", "4", "16"):
        assert number(table[clients][0]) > 0
        assert number(table[clients][1]) > 0


def test_pages_are_measured_beside_bare_flask() -> None:
    table = rows(pages.run)

    for page in (pages.BARE, pages.FORM, pages.GET, pages.POST, pages.LINK):
        assert number(table[page][0]) > 0
    assert (pages.THEIR_POST in table) == pages.OTHERS.exists()


def test_the_form_is_measured_while_others_confirm() -> None:
    table = rows(starvation.run)

    assert number(table["while 16 clients confirm"][0]) > 0


def test_mail_servers_are_compared() -> None:
    table = rows(independence.run)

    for server in independence.SERVERS:
        assert number(table[server][0]) > 0
        assert number(table[server][2]) > 0
    assert number(table["50 ms for each command"][0]) < 1 / independence.LATENCY


def test_growth_is_measured() -> None:
    table = rows(growth.run)

    for act in growth.ACTS:
        assert number(table[act][-1]) > 0


def test_the_footprint_is_measured() -> None:
    table = rows(footprint.run)

    assert number(table["resident memory, idle"][0]) > 10


def test_several_instances_are_measured_and_counted_on() -> None:
    if missing := PostgreSQL.missing():
        pytest.skip(missing)
    table = rows(scale.run)

    for instances in ("1", "2", "3"):
        assert all(number(cell) > 0 for cell in table[instances])
    assert all(number(cell) > 0 for cell in table["statements, which are round trips"])
    peaks = [number(cell) for cell in table["a second, at the peak"]]
    assert peaks == [pytest.approx(paper.PEAK * day / 86_400, abs=0.1) for day in paper.DAYS]


@pytest.mark.parametrize("run", [confirmations.run, peace.run, footprint.run])
class TestBesideARealStrapi:
    pytestmark = NEEDS_STRAPI

    def test_it_is_measured(self, run: Callable[[Effort], Iterator[str]]) -> None:
        lines = list(run(WITH_STRAPI))

        assert any("Strapi" in line for line in lines)
        assert not any("No real Strapi" in line or "not started" in line for line in lines)


def test_hashes_that_end_together_are_counted_by_their_parts() -> None:
    # Eight at a time, each batch takes a second: eight a second, wherever one begins to count.
    batches = [moment for moment in (1.0, 2.0, 3.0, 4.0, 5.0) for _ in range(8)]

    assert Answers(batches, [1000.0] * 40).rate == pytest.approx(8)


def test_an_answer_of_another_kind_fails_the_benchmark() -> None:
    with measured(free_port()) as service:
        request = service.browser.getting("/nowhere")
        running = Running(Load(service.port, [request], 200, seconds=1))

        with pytest.raises(AssertionError):
            running.answers()


def test_the_page_is_written_anew_but_for_what_was_written_by_hand(tmp_path: Path) -> None:
    page = tmp_path / "bench.md"
    report.write(["## One", ""], page)
    page.write_text(page.read_text().replace("Nothing yet.", "Twice as fast."))

    report.write(["## Two", ""], page)

    written = page.read_text()
    assert "## One" not in written
    assert "## Two" in written
    assert written.count("Twice as fast.") == 1


def test_what_was_measured_is_exchanged_on_a_page_written_by_hand(tmp_path: Path) -> None:
    page = tmp_path / "scale.md"
    page.write_text(f"# Scale\n\n{report.MEASURED}\nOld.\n{report.SO_FAR}\n\nThe end.\n")

    report.put("## New\n\n", page)

    written = page.read_text()
    assert written.startswith("# Scale\n")
    assert written.endswith("\n\nThe end.\n")
    assert "## New" in written
    assert "Old." not in written
