"""Password hashing as Strapi does it: bcrypt, cost 10, at most 72 bytes."""

import os
import re
from collections.abc import Iterable
from threading import BoundedSemaphore

import bcrypt

# Strapi's cost (packages/core/admin/server/src/services/auth.ts).
COST = 10
# bcrypt ignores what follows. Strapi refuses longer passwords since 5.1, and cut them before.
MAX_BYTES = 72

# One hash keeps a core busy for 60 ms. With one at a time for each core, p99 of the form, while 16
# clients confirm, is 30 ms, not 4,125 ms (docs/bench.md).
_free_cores = BoundedSemaphore(os.cpu_count() or 1)

# A hash: variant, cost, then 22 characters of salt and 31 of the hash itself.
BCRYPT_HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
# A login without a stored hash is compared with this one, so that it takes the same time.
DUMMY_HASH = "$2a$%02d$.2a9MjrzLbArDD3FyWcvZeT7CCqaPTJNNa/QgEkZGaxF.XQTTFva2"


def hash_password(password: str) -> str:
    """Return the hash that Strapi would store.

    The password is not normalised: Strapi does not do that either.

    Raises ValueError above 72 bytes of UTF-8.
    """
    with _free_cores:
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST, b"2a")).decode()


def verify(password: str, stored: str | None, cost: int = COST) -> bool:
    """Return whether the password belongs to the stored hash.

    Always takes the time of one bcrypt. Its cost is `cost` where nothing can be compared: the
    admin user was invited, uses single sign-on, or has a hash of another kind.
    """
    attempt = password.encode(errors="replace")[:MAX_BYTES]
    is_hash = BCRYPT_HASH.fullmatch(stored or "") is not None
    compared = stored if stored and is_hash else DUMMY_HASH % cost
    with _free_cores:
        return bcrypt.checkpw(attempt, compared.encode()) and is_hash


def highest_cost(stored: Iterable[str | None]) -> int:
    """Return the highest cost among these hashes, Strapi's default if none is one of bcrypt."""
    costs = [int(found[1]) for each in stored if (found := BCRYPT_HASH.fullmatch(each or ""))]
    return max(costs, default=COST)
