"""How much is measured: everything, or just enough to see that measuring works."""

import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """How often and how long each thing is measured, beside how many people, and whether a real
    Strapi is started to compare with."""

    rounds: int
    seconds: float
    sizes: tuple[int, ...]
    desk: tuple[int, int]
    requests: int
    acts: int
    strapi: bool


FULL = Effort(
    rounds=5,
    seconds=5.0,
    sizes=(100, 10_000, 1_000_000),
    desk=(100, 100_000),
    requests=100_000,
    acts=10,
    strapi=bool(shutil.which("npm")),
)
QUICK = Effort(
    rounds=1,
    seconds=0.3,
    sizes=(60, 120),
    desk=(60, 120),
    requests=100,
    acts=2,
    strapi=False,
)
