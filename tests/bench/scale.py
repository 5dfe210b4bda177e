"""What several instances do on one PostgreSQL, and what that makes for a million signups a day."""

import statistics
import time
from collections.abc import Callable, Iterator

from models.strapi import AdminUsers, StrapiClient
from models.strapi.census import census
from tests.bench.confirmations import enough
from tests.bench.costs import Makes, costs, of_one, weigh, weights_of
from tests.bench.effort import Effort
from tests.bench.figures import spread
from tests.bench.load import Load
from tests.bench.paper import on_paper
from tests.bench.served import Served
from tests.bench.site import Site, play_all, site
from tests.support.database_servers import PostgreSQL

INSTANCES = (1, 2, 3)
CLIENTS = 12
SIGNUP, CONFIRMATION, LETTER = "signups/s", "confirmations/s", "letters/s"
PEOPLE = (10_000, 100_000, 1_000_000)
LOOKS: dict[str, Callable[[AdminUsers], object]] = {
    "an address": lambda people: people.by_email("nobody@example.org"),
    "the census": census,
}


def run(effort: Effort) -> Iterator[str]:
    """Let one, two and three instances work, weigh single acts, and count on; yields the lines of
    the tables."""
    if missing := PostgreSQL.missing():
        yield f"Not measured here: {missing}."
        return
    with site() as place:
        [row] = place.server.rows("SHOW server_version")
        yield f"On PostgreSQL {row['server_version']}, by {CLIENTS} clients at once, without nginx:"
        yield "median, least and most."
        yield ""
        yield from rates(place, effort)
        yield ""
        signup = weigh(place, place.applications, effort)
        confirmation = weigh(place, place.confirmations, effort)
        yield from costs(signup, confirmation)
        yield ""
        yield from on_paper(place, signup + confirmation)
        yield ""
        yield from looks(place, effort)


def rates(place: Site, effort: Effort) -> Iterator[str]:
    """What one, two and three instances do in a second, and what an act costs then."""
    names = SIGNUP, CONFIRMATION, LETTER
    found: dict[int, dict[str, list[float]]] = {
        count: {name: [] for name in names} for count in INSTANCES
    }
    for _ in range(effort.rounds):
        for count, told in found.items():
            with place.served(count) as instances:
                ports = [each.port for each in instances]
                told[SIGNUP].append(rate(place, ports, place.applications, 100, effort))
                told[CONFIRMATION].append(rate(place, ports, place.confirmations, 30, effort))
            told[LETTER].append(delivered(place, count, int(40 * effort.seconds)))
    yield f"| instances | {' | '.join(names)} | CPU of a signup | CPU of a confirmation |"
    yield "|---|---|---|---|---|---|"
    for count, told in found.items():
        acts = (place.applications, place.confirmations)
        cells = [spread(values) for values in told.values()]
        cells += [f"{1000 * cpu(place, makes, count, effort):.1f} ms" for makes in acts]
        yield f"| {count} | {' | '.join(cells)} |"


def cpu(place: Site, makes: Makes, instances: int, effort: Effort) -> float:
    """Seconds of CPU that an act takes, in all instances and PostgreSQL, its letters included."""

    def meter(served: list[Served]) -> tuple[float, ...]:
        return weights_of(place, served)

    many = 10 * effort.acts // instances + 1, 2 * effort.seconds
    service, server, _ = of_one(place, makes, *many, meter, instances)
    return service + server


def rate(place: Site, ports: list[int], makes: Makes, share: int, effort: Effort) -> float:
    """Answers per second of all instances together, each with as many clients."""
    count = min(enough(effort), int(share * effort.seconds) + CLIENTS)
    requests = {port: makes(port, 3 * count) for port in ports}
    clients = CLIENTS // len(ports)
    loads = [Load(port, requests[port], 303, clients, effort.seconds) for port in ports]
    answers = play_all(loads)
    place.forget_letters()
    return sum(each.rate for each in answers)


def delivered(place: Site, instances: int, count: int) -> float:
    """Letters per second from the first to the last of so many that are owed."""
    before = len(place.post.came())
    place.enqueue(count)
    with place.served(instances):
        place.wait_for_letters()
    came = place.post.came()[before:]
    return (len(came) - 1) / (came[-1] - came[0])


def looks(place: Site, effort: Effort) -> Iterator[str]:
    """How long it takes to look through all administrators."""
    strapi = StrapiClient(place.strapi.url, "strapi-author")
    yield f"| administrators in Strapi | {' | '.join(LOOKS)} |"
    yield f"|---|{'---|' * len(LOOKS)}"
    for people in PEOPLE[: 1 if effort.requests < PEOPLE[0] else None]:
        place.fill(people)
        cells = []
        for question in LOOKS.values():
            took = []
            for _ in range(effort.acts):
                began = time.perf_counter()
                strapi.read(question)
                took.append(1000 * (time.perf_counter() - began))
            cells.append(f"{statistics.median(took):.1f} ms")
        yield f"| {people:,} | {' | '.join(cells)} |"
    strapi.disconnect()
