"""Numbers as they stand in a table: the middle and the ends of what was measured."""

import operator
import statistics
from collections.abc import Sequence


def spread(values: Sequence[float], digits: int = 1) -> str:
    """The median, and the least and the most."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f} ({least:,.{digits}f} to {most:,.{digits}f})"


def quantile(values: Sequence[float], percent: int) -> float:
    """Below which so many percent of the values lie."""
    if len(values) < 2:
        return max(values)
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def to_milliseconds(values: Sequence[float]) -> str:
    """The middle, the end and the worst, as cells of a table."""
    return f"{quantile(values, 50):.1f} ms | {quantile(values, 99):.1f} ms | {max(values):.1f} ms"


def ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """How many times as much as the others: the median over the rounds, in each of which both were
    measured, one right after the other."""
    return statistics.median(map(operator.truediv, values, others))


def goal(what: str, met: bool, found: str) -> str:
    """A goal, and whether it was met."""
    return f"* Goal: {what}: **{'met' if met else 'not met'}** ({found})."
