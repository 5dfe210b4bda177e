"""What a removed signup was, should its row come back; and open letters found quickly."""

from peewee import CharField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add a column and an index."""
    migrate(migrator.add_column("signup", "removed_from", CharField(null=True)))
    database.add_index(
        "letter_open", "letter (kind, due_at)", "(sent_at IS NULL) AND (parked_at IS NULL)"
    )
