"""Letters counted for the mailbox that they reach, and in all."""

from peewee import CharField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add a column, fill it as if each address were a mailbox, and add indexes."""
    migrate(migrator.add_column("letter", "mailbox", CharField(320, null=True)))
    database.execute_sql("UPDATE letter SET mailbox = lower(recipient)")
    database.add_index("letter_mailbox", "letter (mailbox, owed_at)")
    database.add_index("letter_kind_owed_at", "letter (kind, owed_at)")
