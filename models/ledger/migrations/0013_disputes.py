"""Disputes ("this wasn't me" about an account), and whose decision is recorded."""

from peewee import BigIntegerField, IntegerField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add three columns and an index."""
    migrate(
        migrator.add_column("signup", "disputed_at", BigIntegerField(null=True)),
        migrator.add_column("signup", "dispute_told_at", BigIntegerField(null=True)),
        migrator.add_column("signup", "reviewer_id", IntegerField(null=True)),
    )
    database.add_index("signup_disputed", "signup (disputed_at)")
