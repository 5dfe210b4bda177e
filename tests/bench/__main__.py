"""Measures, in one run on one machine: `make bench`, or `make bench ARGS='desk pages'`."""

import argparse
import itertools
import logging
from collections.abc import Callable, Iterator

from tests.bench import (
    confirmations,
    desk,
    footprint,
    growth,
    independence,
    pages,
    peace,
    report,
    scale,
    starvation,
)
from tests.bench.effort import FULL, QUICK, Effort

Section = Callable[[Effort], Iterator[str]]
SECTIONS: dict[str, tuple[str, Section]] = {
    "confirmations": ("Confirmations per second", confirmations.run),
    "pages": ("Pages per second and latency", pages.run),
    "starvation": ("The form while others confirm", starvation.run),
    "independence": ("Whatever the mail server does", independence.run),
    "peace": ("Peace for Strapi", peace.run),
    "growth": ("Growth", growth.run),
    "footprint": ("Footprint", footprint.run),
    "desk": ("The review desk", desk.run),
    "scale": ("Several instances on one PostgreSQL", scale.run),
}


def main() -> None:
    """Print every table, line by line as it comes; the whole of them becomes docs/bench.md, but
    for what several instances do, which stands in docs/scale.md."""
    wanted, quick = arguments()
    # Every application that this process makes would tell what it did.
    logging.disable(logging.INFO)
    told = {name: section(name, QUICK if quick else FULL) for name in wanted or SECTIONS}
    if "scale" in told and not quick:
        report.put(told.pop("scale"))
    if not wanted and not quick:
        report.write(list(told.values()))


def arguments() -> tuple[list[str], bool]:
    """Which sections, and whether only to see that they work."""
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="only see that measuring works")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    return list(given.sections), given.quick


def section(name: str, effort: Effort) -> str:
    """Measure, and print what comes as it comes; returns all of it."""
    title, run = SECTIONS[name]
    lines = []
    for line in itertools.chain([f"## {title}", ""], run(effort), [""]):
        print(line, flush=True)
        lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    main()
