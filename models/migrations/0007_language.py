"""The language that a signup was made in."""

from peewee import CharField, SqliteDatabase
from playhouse.migrate import SchemaMigrator, migrate


def up(migrator: SchemaMigrator, _: SqliteDatabase) -> None:
    """Add a column; who asked before hears from us in the default language."""
    migrate(migrator.add_column("signup", "language", CharField(null=True)))
