"""Confirmations per second, beside bare bcrypt and beside a Strapi that does it itself."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from tests.bench import hashes
from tests.bench.effort import Effort
from tests.bench.figures import goal, ratio, spread
from tests.bench.forum import VERSION, forum
from tests.bench.load import Load, play
from tests.bench.measured import measured
from tests.bench.post import Post

CLIENTS = (1, 4, 16)
OURS, LIMIT, STRAPI = "this service", "bare bcrypt", f"Strapi {VERSION}"
SHARE, TIMES = 0.95, 2.0
ABOUT = """\
Each confirmation is a POST that makes another author, from sending to the answer, by clients that
ask again at once; the limit is `bcrypt.hashpw` at cost 10 in as many threads. Each database has
1,000 people. Authors per second: median, least and most."""
# What a core does in a second, generously: so many links are made ready.
HASHES = 60
# Measures for some clients; returns the rate.
Subject = Callable[[int], float]


def run(effort: Effort) -> Iterator[str]:
    """Let clients confirm, in turns with the others; yields the lines of a table."""
    yield from ABOUT.splitlines()
    yield ""
    found = measure(effort)
    yield f"| clients | {OURS} | {LIMIT} | share | {STRAPI}'s `create-author` | times |"
    yield "|---|---|---|---|---|---|"
    for clients in CLIENTS:
        yield row(clients, {name: rates[clients] for name, rates in found.items()})
    yield ""
    yield from goals({name: rates[CLIENTS[-1]] for name, rates in found.items()})


def measure(effort: Effort) -> dict[str, dict[int, list[float]]]:
    """The rates by subject and number of clients."""
    with ExitStack() as stack:
        subjects = start(stack, effort)
        found: dict[str, dict[int, list[float]]] = {
            name: {clients: [] for clients in CLIENTS} for name in subjects
        }
        for _ in range(effort.rounds):
            for clients in CLIENTS:
                for name, subject in subjects.items():
                    found[name][clients].append(subject(clients))
        return found


def start(stack: ExitStack, effort: Effort) -> dict[str, Subject]:
    """What is compared, each on its own."""
    post = Post()
    stack.callback(post.stop)
    service = stack.enter_context(measured(post.port))
    count = enough(effort)

    def confirm(clients: int) -> float:
        requests = service.confirmations(count)
        answers = play(Load(service.port, requests, 303, clients, effort.seconds))
        service.forget_letters()
        return answers.rate

    def hash_only(clients: int) -> float:
        return hashes.play(clients, effort.seconds).rate

    subjects: dict[str, Subject] = {OURS: confirm, LIMIT: hash_only}
    if effort.strapi:
        other = stack.enter_context(forum())

        def create(clients: int) -> float:
            requests = other.creations(count)
            return play(Load(other.port, requests, 201, clients, effort.seconds)).rate

        subjects[STRAPI] = create
    return subjects


def enough(effort: Effort) -> int:
    """How many requests nobody gets through in the time."""
    return int(HASHES * (os.cpu_count() or 1) * effort.seconds) + max(CLIENTS)


def row(clients: int, found: dict[str, list[float]]) -> str:
    """One line of the table."""
    share = f"{100 * ratio(found[OURS], found[LIMIT]):.0f} %"
    there = STRAPI in found
    strapi = spread(found[STRAPI]) if there else "not started here"
    times = f"{ratio(found[OURS], found[STRAPI]):.1f}" if there else ""
    return (
        f"| {clients} | {spread(found[OURS])} | {spread(found[LIMIT])} | {share}"
        f" | {strapi} | {times} |"
    )


def goals(found: dict[str, list[float]]) -> Iterator[str]:
    """What is to be reached with the most clients."""
    share = ratio(found[OURS], found[LIMIT])
    yield goal(
        f"with {CLIENTS[-1]} clients at least 95 % of {LIMIT}",
        share >= SHARE,
        f"{100 * share:.0f} %",
    )
    if STRAPI in found:
        times = ratio(found[OURS], found[STRAPI])
        yield goal(f"{STRAPI} beaten several times over", times >= TIMES, f"{times:.1f} times")
