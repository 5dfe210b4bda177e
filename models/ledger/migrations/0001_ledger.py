"""Create the ledger: signups, outgoing emails, review sessions, suppressed emails, and counts.

Names of tables and columns are stored and stay: "letter" is an outgoing email, "stop" a
suppressed one, "born_at" is when Strapi's row was created.
"""

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator

from models.engines import Engine


class Signup(Model):
    """A signup."""

    id = BigAutoField()
    key = CharField(unique=True)
    state = CharField(index=True)
    email = CharField(320, null=True, index=True)
    firstname = TextField(null=True)
    lastname = TextField(null=True)
    why = TextField(null=True)
    document_id = CharField(null=True)
    born_at = BigIntegerField(null=True)
    strapi_id = IntegerField(null=True, index=True)
    asked_at = BigIntegerField()
    confirmed_at = BigIntegerField(null=True)
    announced_at = BigIntegerField(null=True)
    decided_at = BigIntegerField(null=True)
    decided_by = TextField(null=True)
    reason = TextField(null=True)
    told = BooleanField(null=True)


class Letter(Model):
    """An email to be sent to one recipient."""

    id = BigAutoField()
    kind = CharField()
    recipient = CharField(320, index=True)
    signup = ForeignKeyField(Signup, null=True, on_delete="CASCADE")
    reference = CharField(unique=True)
    owed_at = BigIntegerField()
    due_at = BigIntegerField(index=True)
    leased_until = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    tries = IntegerField(constraints=[SQL("DEFAULT 0")])
    sent_at = BigIntegerField(null=True)
    parked_at = BigIntegerField(null=True)
    trouble = TextField(null=True)


class Session(Model):
    """A reviewer's session."""

    id = BigAutoField()
    digest = CharField(unique=True)
    strapi_id = IntegerField()
    fingerprint = CharField()
    began_at = BigIntegerField(index=True)


class Stop(Model):
    """The digest of an email that must get no message."""

    id = BigAutoField()
    digest = CharField(unique=True)
    stopped_at = BigIntegerField()


class Count(Model):
    """How often a key was counted."""

    id = BigAutoField()
    key = CharField(unique=True)
    amount = IntegerField()
    expires_at = BigIntegerField(index=True)


def up(_: SchemaMigrator, database: Engine) -> None:
    """Create the tables."""
    tables = [Signup, Letter, Session, Stop, Count]
    database.bind(tables)
    database.create_tables(tables)
