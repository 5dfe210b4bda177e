"""Leases, so that one process at a time reconciles."""

from peewee import BigAutoField, BigIntegerField, CharField, Model
from playhouse.migrate import SchemaMigrator

from models.engines import Engine


class Lease(Model):
    """Which process does the work of this name, and until when."""

    id = BigAutoField()
    name = CharField(unique=True)
    holder = CharField()
    until = BigIntegerField()


def up(_: SchemaMigrator, database: Engine) -> None:
    """Create the table."""
    with Lease.bind_ctx(database):
        database.create_tables([Lease])
