"""The review desk: history, decisions that can be taken back, reminders, newer links."""

from peewee import (
    SQL,
    BigIntegerField,
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)
from playhouse.migrate import SchemaMigrator, migrate


class Signup(Model):
    """One application of one address, as far as it matters here."""


class Event(Model):
    """Something that happened to a signup."""

    signup = ForeignKeyField(Signup, on_delete="CASCADE")
    at = BigIntegerField()
    what = CharField()
    by = TextField(null=True)
    address = TextField(null=True)
    why = TextField(null=True)


class Muted(Model):
    """A reviewer who wants no letters."""

    reviewer = TextField(unique=True)


COLUMNS = {
    "generation": IntegerField(default=1, constraints=[SQL("DEFAULT 1")]),
    "domain": TextField(null=True),
    "reminded_at": BigIntegerField(null=True),
    "undo_until": BigIntegerField(null=True),
    "welcomed_at": BigIntegerField(null=True),
}
# What earlier versions knew, as events: the column of the instant, and what had happened.
KNOWN = {
    "asked_at": "'asked', 'author'",
    "confirmed_at": "'confirmed', 'author'",
    "decided_at": "CASE WHEN state IN ('active', 'activating') THEN 'activated' ELSE state END,"
    " CASE state WHEN 'withdrawn' THEN 'author' ELSE decided_by END",
}


def up(migrator: SchemaMigrator, database: SqliteDatabase) -> None:
    """Add columns, tables and indexes, and fill them with what is known."""
    migrate(*(migrator.add_column("signup", name, field) for name, field in COLUMNS.items()))
    database.bind([Signup, Event, Muted])
    database.create_tables([Event, Muted])
    execute = database.execute_sql
    execute("UPDATE signup SET domain = substr(email, instr(email, '@') + 1)")
    execute("UPDATE signup SET welcomed_at = decided_at WHERE state = 'active'")
    for column, event in KNOWN.items():
        known = f"SELECT id, {column}, {event} FROM signup WHERE {column} IS NOT NULL"  # noqa: S608
        execute(f"INSERT INTO event (signup_id, at, what, by) {known}")
    execute("CREATE INDEX signup_decided_at ON signup (decided_at)")
    execute("CREATE INDEX signup_domain ON signup (domain, state)")
    execute(
        "CREATE INDEX signup_awaited ON signup (confirmed_at)"
        " WHERE \"state\" IN ('waiting', 'activating', 'undoing')"
    )
