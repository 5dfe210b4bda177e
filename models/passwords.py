"""Passwords as Strapi keeps them: bcrypt, cost 10, at most 72 bytes."""

import os
from threading import BoundedSemaphore

import bcrypt

# Strapi's own cost (packages/core/admin/server/src/services/auth.ts).
COST = 10
# bcrypt reads no further; Strapi refuses longer ones since 5.1 and cut them before.
MAX_BYTES = 72

# bcrypt keeps a core busy for some 60 ms: as many at a time as there are cores, so that pages stay
# quick while people log in and confirm.
_core = BoundedSemaphore(os.cpu_count() or 1)

# What a login is compared with where there is no hash, so that it takes as long.
_NOBODY = b"$2a$10$.2a9MjrzLbArDD3FyWcvZeT7CCqaPTJNNa/QgEkZGaxF.XQTTFva2"


def hashed(password: str) -> str:
    """The hash that Strapi would store. The bytes are hashed as they came: Strapi
    normalises nothing either.

    Raises ValueError above 72 bytes of UTF-8.
    """
    with _core:
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST, b"2a")).decode()


def matches(password: str, stored: str | None) -> bool:
    """Whether `password` is the one behind `stored`; takes one bcrypt whatever `stored` is."""
    attempt = password.encode(errors="replace")[:MAX_BYTES]
    with _core:
        try:
            return bcrypt.checkpw(attempt, (stored or "").encode())
        except ValueError:
            # An account without a password (invited, single sign-on), or not a bcrypt hash.
            bcrypt.checkpw(attempt, _NOBODY)
            return False
