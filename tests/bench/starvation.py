"""How long the form takes while others confirm: hashing must not starve the pages."""

from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench.confirmations import enough
from tests.bench.effort import Effort
from tests.bench.figures import goal, quantile, to_milliseconds
from tests.bench.load import Load, Running, play
from tests.bench.measured import measured
from tests.bench.post import Post

CONFIRMING = 16
# Visitors who come in a second, whether or not those before them were served.
VISITORS = 20
MOST = 50.0


def run(effort: Effort) -> Iterator[str]:
    """Look at the form alone and while 16 clients confirm; yields the lines of a table."""
    yield f"`GET /signup`, asked for {VISITORS} times a second, waiting for a free client included."
    yield ""
    alone: list[float] = []
    beside: list[float] = []
    with ExitStack() as stack:
        post = Post()
        stack.callback(post.stop)
        service = stack.enter_context(measured(post.port))
        request = [service.browser.getting("/signup")]
        visits = Load(service.port, request, 200, 4, effort.seconds, repeat=True, rate=VISITORS)
        play(visits)
        for _ in range(effort.rounds):
            alone += play(visits).took
            requests = service.confirmations(2 * enough(effort))
            confirming = Running(
                Load(service.port, requests, 303, CONFIRMING, effort.seconds + 0.5)
            )
            beside += play(visits).took
            confirming.answers()
    yield "| the form | p50 | p99 | max |"
    yield "|---|---|---|---|"
    yield f"| alone | {to_milliseconds(alone)} |"
    yield f"| while {CONFIRMING} clients confirm | {to_milliseconds(beside)} |"
    yield ""
    p99 = quantile(beside, 99)
    what = f"p99 of the form under {MOST:.0f} ms while {CONFIRMING} clients confirm"
    yield goal(what, p99 < MOST, f"{p99:.1f} ms")
