"""Measure the service: `make bench`, or `make bench ARGS='pages review'` for some sections."""

import argparse
import os
import platform
import re
import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.load import Figures
from tests.bench.sections import SECTIONS, Run
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "bench.md"
BEGIN, END = "<!-- make bench: begin -->\n", "<!-- make bench: end -->\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, and write it to docs/bench.md when all of this checkout was measured."""
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="only see that measuring works")
    parser.add_argument("--rounds", type=int, default=5, help="how often each section runs")
    help_root = "measure the service of this checkout; several --root: in turns"
    parser.add_argument("--root", type=Path, action="append", help=help_root)
    given = parser.parse_args(arguments)
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    runs = [Run(root.resolve(strict=True)) for root in given.root or [ROOT]]
    if given.quick:
        runs, given.rounds = [Run(run.root, share=0.01, strapi=False) for run in runs], 1
    lines = []
    for line in report(runs, given.sections or list(SECTIONS), given.rounds):
        print(line, flush=True)
        lines.append(line)
    if not (given.quick or given.sections or given.root):
        write(lines)


def report(runs: Sequence[Run], sections: Sequence[str], rounds: int) -> Iterator[str]:
    """The machine, and a table with a column for each checkout."""
    processor = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    packages = (f"{name} {version(name)}" for name in ("flask", "gunicorn", "peewee", "bcrypt"))
    yield f"* {datetime.now(UTC):%d %B %Y}, {os.cpu_count()} cores, {processor and processor[1]}"
    yield f"* Python {platform.python_version()}, {', '.join(packages)}"
    yield f"* median (minimum to maximum) of {rounds} rounds"
    yield ""
    names = [run.root.name for run in runs] if len(runs) > 1 else ["figure"]
    yield f"| | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(runs)}"
    for section in sections:
        found: list[list[Figures]] = [[] for _ in runs]
        for _ in range(rounds):
            for run, figures in zip(runs, found, strict=True):
                figures.append(SECTIONS[section](run))
        for name in found[0][0]:
            cells = (cell([figures[name] for figures in each]) for each in found)
            yield f"| {name} | {' | '.join(cells)} |"


def cell(values: Sequence[float | None]) -> str:
    """The median, and the minimum and the maximum of several values."""
    known = [value for value in values if value is not None]
    if not known:
        return "not measured here"
    middle = statistics.median(known)
    digits = 0 if middle >= 100 else 1
    ends = f" ({min(known):,.{digits}f} to {max(known):,.{digits}f})" if len(known) > 1 else ""
    return f"{middle:,.{digits}f}{ends}"


def write(lines: Sequence[str], page: Path = PAGE) -> None:
    """Replace what an earlier run wrote on the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    assert after, f"{page} has lost its marks"
    page.write_text("\n".join([before + BEGIN, *lines, "", END + after]))


if __name__ == "__main__":
    main()
