"""The email that a signup was confirmed with, and why reconciling it fails."""

from peewee import CharField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add two columns and their indexes."""
    migrate(
        migrator.add_column("signup", "confirmed_email", CharField(320, null=True)),
        migrator.add_column("signup", "reconcile_error", CharField(255, null=True)),
    )
    database.add_index("signup_confirmed_email", "signup (confirmed_email)")
    database.add_index("signup_reconcile_error", "signup (reconcile_error)")
