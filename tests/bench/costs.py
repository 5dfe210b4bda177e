"""What a signup and a confirmation cost on a PostgreSQL, one by one, their letters included."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass

from tests.bench.effort import Effort
from tests.bench.load import Load
from tests.bench.served import Served
from tests.bench.site import Site, cpu_of, play_all

WHAT = (
    ("CPU in the service", 1000, " ms"),
    ("CPU in PostgreSQL", 1000, " ms"),
    ("write-ahead log", 0.001, " kB"),
    ("statements, which are round trips", 1, ""),
    ("transactions that write", 1, ""),
    ("looks for an address in Strapi", 1, ""),
)
Makes = Callable[[int, int], list[str]]


@dataclass(frozen=True)
class Cost:
    """What one act costs, its letters included: seconds of CPU in the service and in PostgreSQL,
    bytes of write-ahead log, statements, transactions that write, and looks for an address."""

    service: float
    server: float
    log: float
    statements: float
    commits: float
    looks: float

    def __add__(self, other: "Cost") -> "Cost":
        """Both acts."""
        return Cost(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def weigh(place: Site, makes: Makes, effort: Effort) -> Cost:
    """What such an act costs."""
    many = 10 * effort.acts, 2 * effort.seconds
    weights = of_one(place, makes, *many, lambda instance: weights_of(place, instance))
    for database in ("ledger", "strapi"):
        place.server.run(f"ALTER DATABASE {database} SET log_statement = 'all'")
    counts = of_one(place, makes, *many, lambda _: counted(place.server.said()))
    for database in ("ledger", "strapi"):
        place.server.run(f"ALTER DATABASE {database} RESET log_statement")
    return Cost(*weights, *counts)


def of_one(
    place: Site,
    makes: Makes,
    number: int,
    idle: float,
    meter: Callable[[Served], tuple[float, ...]],
) -> list[float]:
    """How much further a meter is after each of so many acts, one after the other, but for what
    an instance does anyway, which shows in so many seconds without any."""
    with place.served(1) as [instance]:
        requests = makes(instance.port, number + 10)
        play_all([Load(instance.port, requests[number:], 303)])
        place.wait_for_letters()
        readings, began = [meter(instance)], time.monotonic()
        play_all([Load(instance.port, requests[:number], 303, seconds=600)])
        place.wait_for_letters()
        readings.append(meter(instance))
        share = (time.monotonic() - began) / idle
        time.sleep(idle)
        readings.append(meter(instance))
    return [(b - a - share * (c - b)) / number for a, b, c in zip(*readings, strict=True)]


def weights_of(place: Site, instance: Served) -> tuple[float, ...]:
    """Seconds of CPU in the service and in PostgreSQL, and bytes that it wrote ahead."""
    [row] = place.server.rows("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS log")
    return cpu_of(instance.master), cpu_of(place.server.pid), float(row["log"])


def counted(said: str) -> tuple[float, ...]:
    """Statements, transactions that write, and looks for an address, in PostgreSQL's log."""
    statements = re.findall(r"\[(\d+)\] LOG:  (?:statement|execute [^:]*): ([^\n]*)", said)
    # Whether each session is in a transaction, and has written there.
    begun: dict[str, bool] = {}
    commits = 0
    for session, statement in statements:
        if statement.startswith("BEGIN"):
            begun[session] = False
        elif statement.startswith("COMMIT"):
            commits += begun.pop(session, False)
        elif statement.startswith(("INSERT", "UPDATE", "DELETE")):
            if session in begun:
                begun[session] = True
            else:
                commits += 1
    return len(statements), commits, sum("LOWER(" in each for _, each in statements)


def costs(signup: Cost, confirmation: Cost) -> Iterator[str]:
    """What single acts cost."""
    both = zip(astuple(signup), astuple(confirmation), strict=True)
    yield "| one of them, its letters included | a signup | a confirmation |"
    yield "|---|---|---|"
    for (name, factor, unit), (one, other) in zip(WHAT, both, strict=True):
        yield f"| {name} | {factor * one:,.1f}{unit} | {factor * other:,.1f}{unit} |"
