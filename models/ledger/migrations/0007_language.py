"""The language that a signup was made in."""

from peewee import CharField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, _: Engine) -> None:
    """Add a column; who asked before hears from us in the default language."""
    migrate(migrator.add_column("signup", "language", CharField(null=True)))
