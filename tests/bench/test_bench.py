"""The benchmarks work. How fast anything is, `make bench` says."""

from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench.load import Load, play
from tests.bench.sections import SECTIONS, Run
from tests.bench.service import bare_page
from tests.support.database_servers import PostgreSQL
from tests.support.strapi_server import NEEDS_STRAPI

NEEDS_POSTGRESQL = pytest.mark.skipif(bool(PostgreSQL.missing()), reason=PostgreSQL.missing())
CASES = [(section, False) for section in SECTIONS if section != "instances"]


@pytest.mark.parametrize(
    ("section", "real"),
    [
        *CASES,
        pytest.param("instances", False, marks=NEEDS_POSTGRESQL),
        pytest.param("strapi", True, marks=NEEDS_STRAPI),
    ],
)
def test_each_section_measures_something(section: str, real: bool) -> None:
    figures = SECTIONS[section](Run(share=0.01, strapi=real))

    assert any(value is not None for value in figures.values())
    assert (figures.get("a save in a real Strapi, p50 (ms)") is not None) == real


def test_a_wrong_status_stops_the_benchmark(tmp_path: Path) -> None:
    with bare_page(tmp_path / "log") as server, pytest.raises(AssertionError, match="404"):
        play(Load([server.port], server.visits("/nowhere", 1)))


def test_checkouts_are_compared_in_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECTIONS, "pages", lambda run: {"length": float(len(run.root.name))})

    *_, names, _, row = bench.report([Run(Path("/old")), Run(Path("/newer"))], ["pages"], 2)

    assert names == "| | old | newer |"
    assert row == "| length | 3.0 (3.0 to 3.0) | 5.0 (5.0 to 5.0) |"


def test_all_sections_are_written_and_the_rest_of_the_page_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "bench.md"
    page.write_text(f"# Bench\n{bench.BEGIN}Old.\n{bench.END}The end.\n")
    for name in SECTIONS:
        monkeypatch.setitem(SECTIONS, name, lambda _: {"speed": None})

    bench.write(list(bench.report([Run()], list(SECTIONS), 1)), page)

    assert page.read_text().startswith(f"# Bench\n{bench.BEGIN}\n* ")
    assert page.read_text().endswith(f"| speed | not measured here |\n\n{bench.END}The end.\n")
    assert "Old." not in page.read_text()
