"""Passwords as Strapi keeps them: bcrypt, cost 10, at most 72 bytes."""

import os
import re
from collections.abc import Iterable
from threading import BoundedSemaphore

import bcrypt

# Strapi's own cost (packages/core/admin/server/src/services/auth.ts).
COST = 10
# bcrypt reads no further; Strapi refuses longer ones since 5.1 and cut them before.
MAX_BYTES = 72

# bcrypt keeps a core busy for some 60 ms: as many at a time as there are cores, so that pages stay
# quick while people log in and confirm.
_core = BoundedSemaphore(os.cpu_count() or 1)

# The shape of a hash: its kind, its cost, its salt and itself.
HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
# What a login is compared with where there is no hash, so that it takes as long.
NOBODY = "$2a$%02d$.2a9MjrzLbArDD3FyWcvZeT7CCqaPTJNNa/QgEkZGaxF.XQTTFva2"


def hash_password(password: str) -> str:
    """The hash that Strapi would store. The bytes are hashed as they came: Strapi
    normalises nothing either.

    Raises ValueError above 72 bytes of UTF-8.
    """
    with _core:
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST, b"2a")).decode()


def verify(password: str, stored: str | None, cost: int = COST) -> bool:
    """Whether `password` is the one behind `stored`; takes one bcrypt whatever `stored` is, of
    this `cost` where there is no password: invited, single sign-on, or not a bcrypt hash."""
    attempt = password.encode(errors="replace")[:MAX_BYTES]
    known = HASH.fullmatch(stored or "") is not None
    compared = stored if stored and known else NOBODY % cost
    with _core:
        return bcrypt.checkpw(attempt, compared.encode()) and known


def highest_cost(stored: Iterable[str | None]) -> int:
    """The cost of the slowest of these hashes, or Strapi's own."""
    costs = [int(found[1]) for each in stored if (found := HASH.fullmatch(each or ""))]
    return max(costs, default=COST)
