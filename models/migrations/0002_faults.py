"""What a removed signup was, should its row come back; and open letters found quickly."""

from peewee import CharField, SqliteDatabase
from playhouse.migrate import SchemaMigrator, migrate


def up(migrator: SchemaMigrator, database: SqliteDatabase) -> None:
    """Add a column and an index."""
    migrate(migrator.add_column("signup", "removed_from", CharField(null=True)))
    database.execute_sql(
        "CREATE INDEX letter_open ON letter (kind, due_at)"
        " WHERE ((sent_at IS NULL) AND (parked_at IS NULL))"
    )
