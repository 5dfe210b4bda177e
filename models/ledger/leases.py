"""Leases: each is for work that one process at a time does."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from peewee import CharField

from models.ledger.database import LedgerUnavailable, Record
from models.timestamps import EPOCH, MillisecondsField, now

# The lease of a process that died is free after this time.
DURATION = timedelta(seconds=20)


class Lease(Record):
    """The work of this name is for `holder` until a time. A random text names the holder."""

    name = CharField(unique=True)
    holder = CharField()
    until = MillisecondsField()


@contextmanager
def lease(name: str) -> Iterator[bool]:
    """Take the lease of this name if it is free, and give it back at the end.

    The value tells whether it was free.
    """
    holder = secrets.token_hex(8)
    taken = _take(name, holder)
    try:
        yield taken
    finally:
        if taken:
            # A lease that cannot be given back now ends by itself.
            with suppress(*LedgerUnavailable):
                mine = Lease.name == name, Lease.holder == holder
                Lease.update(until=EPOCH).where(*mine).execute()


def _take(name: str, holder: str) -> bool:
    instant = now()
    values = {"holder": holder, "until": instant + DURATION}
    # A lease that ends later than any can was written before a clock jumped.
    free = (Lease.until <= instant) | (Lease.until > instant + 2 * DURATION)
    if Lease.update(values).where(Lease.name == name, free).execute():
        return True
    if Lease.select().where(Lease.name == name).exists():
        return False
    # The first use of this name. Of several processes that insert the row, one succeeds.
    Lease.insert(name=name, **values).on_conflict_ignore().execute()
    return Lease.select().where(Lease.name == name, Lease.holder == holder).exists()
