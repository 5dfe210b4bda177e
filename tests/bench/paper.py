"""What a thousand to a million signups a day need, counted from what one of them costs."""

import functools
import math
import time
from collections.abc import Callable, Iterator

from models import password_hashing
from tests.bench.costs import Cost
from tests.bench.site import Site

# What a day may bring, how many times the mean the peak is, and how busy a core may be.
DAYS = (1_000, 100_000, 1_000_000)
PEAK, BUSY = 10, 0.7
# Letters and events of somebody who is decided about, and connections in an instance's pools.
LETTERS, EVENTS, POOLS = 3, 3, 80


def on_paper(place: Site, both: Cost) -> Iterator[str]:
    """What that makes in a day, where everybody confirms and is decided about."""
    row = {table: size_of(place, table) for table in ("signup", "event", "letter")}
    taken = ", ".join(f"{size:.0f} bytes for each {table}" for table, size in row.items())
    yield f"The ledger takes {taken}, with its"
    yield f"indexes; a hash takes {1000 * hashing():.0f} ms of a core. Everybody confirms, and is"
    yield f"decided about; the peak is {PEAK} times the mean, and then no core is busy for over"
    yield f"{BUSY:.0%}."
    yield ""
    yield f"| signups a day | {' | '.join(f'{day:,}' for day in DAYS)} |"
    yield f"|---|{'---|' * len(DAYS)}"
    for name, amount in amounts(both, row).items():
        yield f"| {name} | {' | '.join(amount(day) for day in DAYS)} |"


def amounts(both: Cost, row: dict[str, float]) -> dict[str, Callable[[int], str]]:
    """What so many signups a day need."""
    python = both.service - hashing()

    def peak(day: int) -> float:
        return PEAK * day / 86_400

    def instances(day: int) -> int:
        return max(2, math.ceil(peak(day) * python / BUSY))

    kept = row["signup"] + EVENTS * row["event"]
    return {
        "a second, at the peak": lambda day: f"{peak(day):.1f}",
        "cores for the service": lambda day: f"{peak(day) * both.service / BUSY:.1f}",
        "instances": lambda day: f"{instances(day)}",
        "connections, at most": lambda day: f"{instances(day) * POOLS}",
        "cores for PostgreSQL": lambda day: f"{peak(day) * both.server / BUSY:.1f}",
        "statements a second": lambda day: f"{peak(day) * both.statements:,.0f}",
        "commits a second": lambda day: f"{peak(day) * both.commits:,.0f}",
        "letters a second": lambda day: f"{peak(day) * LETTERS:.1f}",
        "write-ahead log a day": lambda day: megabytes(day * both.log),
        "what stays in the ledger, a day": lambda day: megabytes(day * kept),
        "letters of a week": lambda day: megabytes(7 * day * LETTERS * row["letter"]),
    }


def size_of(place: Site, table: str) -> float:
    """Bytes that a row takes there, indexes included."""
    size = f"pg_total_relation_size('{table}')::float8 / (SELECT count(*) FROM {table})"
    place.server.run(f"VACUUM FULL {table}", "ledger")
    return float(place.records.rows(f"SELECT {size} AS bytes")[0]["bytes"])


def megabytes(size: float) -> str:
    """A size for people to read."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


@functools.cache
def hashing() -> float:
    """Seconds of CPU that a hash takes here."""
    began = time.thread_time()
    for _ in range(10):
        password_hashing.hash_password("Analytical1engine")
    return (time.thread_time() - began) / 10
