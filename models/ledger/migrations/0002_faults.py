"""Store the state before a removal, in case the row comes back, and index unsent emails."""

from peewee import CharField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add a column and an index."""
    migrate(migrator.add_column("signup", "removed_from", CharField(null=True)))
    database.add_index(
        "letter_open", "letter (kind, due_at)", "(sent_at IS NULL) AND (parked_at IS NULL)"
    )
