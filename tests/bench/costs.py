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
    weights = of_one(place, makes, *many, lambda instances: weights_of(place, instances))
    for database in ("ledger", "strapi"):
        place.server.run(f"ALTER DATABASE {database} SET log_statement = 'all'")
    counts = of_one(place, makes, *many, lambda _: counted(place.server.output()))
    for database in ("ledger", "strapi"):
        place.server.run(f"ALTER DATABASE {database} RESET log_statement")
    return Cost(*weights, *counts)


def of_one(
    place: Site,
    makes: Makes,
    number: int,
    idle: float,
    meter: Callable[[list[Served]], tuple[float, ...]],
    instances: int = 1,
) -> list[float]:
    """How much further a meter is after each of so many acts, which come to each instance one
    after the other, but for what instances do anyway, as so many seconds without any show."""
    with place.served(instances) as served:
        requests = [makes(each.port, number + 10) for each in served]
        play_each(served, [each[number:] for each in requests])
        place.wait_for_letters()
        readings, began = [meter(served)], time.monotonic()
        play_each(served, [each[:number] for each in requests])
        place.wait_for_letters()
        readings.append(meter(served))
        share = (time.monotonic() - began) / idle
        time.sleep(idle)
        readings.append(meter(served))
    acts = number * instances
    return [(b - a - share * (c - b)) / acts for a, b, c in zip(*readings, strict=True)]


def play_each(served: list[Served], requests: list[list[str]]) -> None:
    """Send each instance its requests, one after the other, at the same time as the others."""
    pairs = zip(served, requests, strict=True)
    play_all([Load(each.port, mine, 303, seconds=600) for each, mine in pairs])


def weights_of(place: Site, instances: list[Served]) -> tuple[float, ...]:
    """Seconds of CPU in the service and in PostgreSQL, and bytes that it wrote ahead."""
    [row] = place.server.rows("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS log")
    cpu = sum(cpu_of(each.master) for each in instances)
    return cpu, cpu_of(place.server.pid), float(row["log"])


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
