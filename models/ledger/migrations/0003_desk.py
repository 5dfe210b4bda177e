"""Add what the review pages need: history, undo, reminders, and generations of links."""

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine, SQLite


class Signup(Model):
    """A signup, with the one column that `Event` refers to."""

    id = BigAutoField()


class Event(Model):
    """Something that happened to a signup."""

    id = BigAutoField()
    signup = ForeignKeyField(Signup, on_delete="CASCADE")
    at = BigIntegerField()
    what = CharField()
    by = TextField(null=True)
    address = TextField(null=True)
    why = TextField(null=True)


class Muted(Model):
    """A reviewer who turned notices off."""

    id = BigAutoField()
    reviewer = CharField(320, unique=True)


COLUMNS = {
    "generation": IntegerField(default=1, constraints=[SQL("DEFAULT 1")]),
    "domain": CharField(null=True),
    "reminded_at": BigIntegerField(null=True),
    "undo_until": BigIntegerField(null=True),
    "welcomed_at": BigIntegerField(null=True),
}
# The events that earlier versions left in `signup`: the column of the time, then `what` and `by`.
KNOWN = {
    "asked_at": "'asked', 'author'",
    "confirmed_at": "'confirmed', 'author'",
    "decided_at": "CASE WHEN state IN ('active', 'activating') THEN 'activated' ELSE state END,"
    " CASE state WHEN 'withdrawn' THEN 'author' ELSE decided_by END",
}


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add columns, tables and indexes, and fill them from existing rows."""
    migrate(*(migrator.add_column("signup", name, field) for name, field in COLUMNS.items()))
    database.bind([Signup, Event, Muted])
    database.create_tables([Event, Muted])
    database.add_index("signup_decided_at", "signup (decided_at)")
    database.add_index("signup_domain", "signup (domain, state)")
    database.add_index(
        "signup_awaited", "signup (confirmed_at)", "state IN ('waiting', 'activating', 'undoing')"
    )
    # A ledger on a server has no older rows: the first version with servers had this migration.
    if isinstance(database, SQLite):
        _fill(database)


def _fill(database: SQLite) -> None:
    execute = database.execute_sql
    execute("UPDATE signup SET domain = substr(email, instr(email, '@') + 1)")
    execute("UPDATE signup SET welcomed_at = decided_at WHERE state = 'active'")
    for column, event in KNOWN.items():
        known = f"SELECT id, {column}, {event} FROM signup WHERE {column} IS NOT NULL"  # noqa: S608
        execute(f"INSERT INTO event (signup_id, at, what, by) {known}")
