"""Store the language of a signup."""

from peewee import CharField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, _: Engine) -> None:
    """Add a column. Where it is NULL, emails are in the default language."""
    migrate(migrator.add_column("signup", "language", CharField(null=True)))
