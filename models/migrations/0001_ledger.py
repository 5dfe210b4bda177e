"""The first ledger: signups, letters owed, review sessions, stops, and counts."""

from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    SqliteDatabase,
    TextField,
)
from playhouse.migrate import SchemaMigrator


def up(_: SchemaMigrator, database: SqliteDatabase) -> None:
    """Create the tables."""

    class Signup(database.Model):  # type: ignore[name-defined,misc]
        key = CharField(unique=True)
        state = CharField(index=True)
        email = TextField(null=True, index=True)
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

    class Letter(database.Model):  # type: ignore[name-defined,misc]
        kind = CharField()
        recipient = TextField(index=True)
        signup = ForeignKeyField(Signup, null=True, on_delete="CASCADE")
        reference = CharField(unique=True)
        owed_at = BigIntegerField()
        due_at = BigIntegerField(index=True)
        leased_until = BigIntegerField(constraints=[SQL("DEFAULT 0")])
        tries = IntegerField(constraints=[SQL("DEFAULT 0")])
        sent_at = BigIntegerField(null=True)
        parked_at = BigIntegerField(null=True)
        trouble = TextField(null=True)

    class Session(database.Model):  # type: ignore[name-defined,misc]
        digest = CharField(unique=True)
        strapi_id = IntegerField()
        fingerprint = CharField()
        began_at = BigIntegerField(index=True)

    class Stop(database.Model):  # type: ignore[name-defined,misc]
        digest = CharField(unique=True)
        stopped_at = BigIntegerField()

    class Count(database.Model):  # type: ignore[name-defined,misc]
        key = CharField(unique=True)
        amount = IntegerField()
        expires_at = BigIntegerField(index=True)

    database.create_tables([Signup, Letter, Session, Stop, Count])
