"""What ten confirmations a second do to a real Strapi, and how long its file is locked."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench.effort import Effort
from tests.bench.figures import goal, quantile, to_milliseconds
from tests.bench.forum import Forum, forum
from tests.bench.load import Load, play
from tests.bench.measured import Measured, measured
from tests.bench.post import Post
from tests.faults.lock_probe import LockProbe
from tests.support.service import StrapiFile
from tests.support.strapi_saves import saving

RATE = 10
MOST = 5.0


def run(effort: Effort) -> Iterator[str]:
    """Let Strapi save a profile 50 times a second, alone and beside confirmations, in turns;
    yields the lines of a table."""
    if not effort.strapi:
        yield "No real Strapi was started here."
        return
    alone: list[float] = []
    beside: list[float] = []
    held: list[float] = []
    with ExitStack() as stack:
        other = stack.enter_context(forum())
        post = Post()
        stack.callback(post.stop)
        service = stack.enter_context(measured(post.port, StrapiFile(other.strapi.database)))
        for _ in range(effort.rounds):
            alone += saved(other, effort.seconds)
            locks, took = disturbed(other, service, effort.seconds)
            held += locks
            beside += took
    yield "| | p50 | p99 | max |"
    yield "|---|---|---|---|"
    yield f"| Strapi's `PUT /admin/users/me`, 50/s, alone | {to_milliseconds(alone)} |"
    yield f"| the same beside {RATE} confirmations/s | {to_milliseconds(beside)} |"
    yield f"| our lock on Strapi's file, {len(held)} times | {to_milliseconds(held)} |"
    yield ""
    added = quantile(beside, 99) - quantile(alone, 99)
    yield f"* {RATE} confirmations/s add {added:z.1f} ms to the p99 of Strapi's own requests."
    p99 = quantile(held, 99)
    yield goal(f"p99 of the lock at most {MOST:.0f} ms", p99 <= MOST, f"{p99:.1f} ms")


def saved(other: Forum, seconds: float) -> list[float]:
    """The milliseconds of Strapi's own requests."""
    return checked(saving(other.strapi, other.token, lambda: time.sleep(seconds)))


def disturbed(other: Forum, service: Measured, seconds: float) -> tuple[list[float], list[float]]:
    """The milliseconds of each lock, and of Strapi's own requests meanwhile."""
    requests = service.confirmations(int(RATE * seconds))
    load = Load(service.port, requests, 303, 4, seconds, rate=RATE)
    watch = LockProbe(other.strapi.database, service.served.worker)
    done = saving(other.strapi, other.token, lambda: void(play(load)))
    held = watch.seen()
    # On a busy machine, a lock of less than a millisecond may be missed.
    assert len(held) > len(requests) / 2, f"{len(held)} locks, {len(requests)} confirmations"
    return held, checked(done)


def void(_: object) -> None:
    """Nothing more is wanted."""


def checked(done: list[tuple[int, float]]) -> list[float]:
    """The milliseconds; Strapi must have answered each request well."""
    assert all(status == 200 for status, _ in done), done
    return [1000 * seconds for _, seconds in done]
