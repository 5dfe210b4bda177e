"""The email that a signup was confirmed with, and why reconciling it fails."""

from peewee import CharField, TextField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add two columns and an index."""
    migrate(
        migrator.add_column("signup", "confirmed_email", CharField(320, null=True)),
        migrator.add_column("signup", "reconcile_error", TextField(null=True)),
    )
    database.add_index("signup_confirmed_email", "signup (confirmed_email)")
