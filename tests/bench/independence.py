"""The same, whatever the mail server does: quick, slow, or not there; and letters per second."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.confirmations import enough
from tests.bench.crowd import add_asking
from tests.bench.effort import Effort
from tests.bench.figures import goal, ratio, spread
from tests.bench.load import Load, play
from tests.bench.measured import Measured, measured
from tests.bench.pages import FASTEST
from tests.bench.post import Post
from tests.support.network import free_port

QUICK, SLOW, NONE = "quick", "2 s for a letter", "none listens"
SERVERS = (QUICK, SLOW, NONE)
CONFIRM, ASK = "confirmations/s, 16 clients", "`POST /signup`/s, 4 clients"
WITHIN = 0.05
LATENCY = 0.05
# Seconds after which the last letter must have come.
PATIENCE = 600
Rates = dict[str, dict[str, list[float]]]


def run(effort: Effort) -> Iterator[str]:
    """Confirm and ask beside each mail server in turns; yields the lines of two tables."""
    rates = measure(effort)
    yield f"| mail server | {CONFIRM} | of {QUICK} | {ASK} | of {QUICK} |"
    yield "|---|---|---|---|---|"
    for server, found in rates.items():
        shares = {act: ratio(found[act], rates[QUICK][act]) for act in (CONFIRM, ASK)}
        cells = (f"{spread(found[act])} | {100 * shares[act]:.0f} %" for act in (CONFIRM, ASK))
        yield f"| {server} | {' | '.join(cells)} |"
    yield ""
    yield from goals(rates)
    yield ""
    yield "| mail server | letters/s |"
    yield "|---|---|"
    for latency, per_second in ((0.0, 100), (LATENCY, 10)):
        letters = int(per_second * effort.seconds) + 2
        per_round = spread([delivered(latency, letters) for _ in range(effort.rounds)])
        yield f"| {1000 * latency:.0f} ms for each command | {per_round} |"


def measure(effort: Effort) -> Rates:
    """The rates by mail server and act."""
    rates: Rates = {server: {CONFIRM: [], ASK: []} for server in SERVERS}
    for _ in range(effort.rounds):
        for server, found in rates.items():
            with ExitStack() as stack:
                service = stack.enter_context(measured(port_of(server, stack)))
                found[CONFIRM].append(confirming(service, effort))
                found[ASK].append(asking(service, effort))
    return rates


def port_of(server: str, stack: ExitStack) -> int:
    """Where this mail server listens, or nobody."""
    if server == NONE:
        return free_port()
    post = Post(letter=2.0 if server == SLOW else 0.0)
    stack.callback(post.stop)
    return post.port


def confirming(service: Measured, effort: Effort) -> float:
    """Confirmations per second."""
    requests = service.confirmations(enough(effort))
    answers = play(Load(service.port, requests, 303, 16, effort.seconds))
    service.forget_letters()
    return answers.rate


def asking(service: Measured, effort: Effort) -> float:
    """Signups per second."""
    requests = service.applications(int(FASTEST * effort.seconds))
    return play(Load(service.port, requests, 303, 4, effort.seconds)).rate


def goals(rates: Rates) -> Iterator[str]:
    """Whether a mail server makes a difference."""
    for act in (CONFIRM, ASK):
        off = max(abs(ratio(rates[each][act], rates[QUICK][act]) - 1) for each in SERVERS)
        what = f"{act} within {100 * WITHIN:.0f} % whatever the mail server does"
        yield goal(what, off <= WITHIN, f"{100 * off:.1f} %")


def delivered(latency: float, count: int) -> float:
    """Letters per second from the first to the last of so many that are owed."""
    with ExitStack() as stack:
        post = Post(command=latency)
        stack.callback(post.stop)
        service = stack.enter_context(measured(post.port))
        add_asking(Path(str(service.settings["LEDGER"])), count, sent=False)
        until = time.monotonic() + PATIENCE
        while len(came := post.came()) < count:
            assert time.monotonic() < until, (len(came), service.log.read_text())
            time.sleep(0.1)
    return (count - 1) / (came[count - 1] - came[0])
