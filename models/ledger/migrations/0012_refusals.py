"""Refusals that may be the fault of our own mail settings, and when an email was accepted."""

from peewee import BigIntegerField, CharField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add two columns and two indexes."""
    migrate(
        migrator.add_column("letter", "refused_code", CharField(32, null=True)),
        migrator.add_column("letter", "refused_at", BigIntegerField(null=True)),
    )
    database.add_index("letter_sent", "letter (sent_at)", "sent_at IS NOT NULL")
    database.add_index("letter_refused", "letter (refused_at)", "refused_at IS NOT NULL")
