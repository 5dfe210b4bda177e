"""Count outgoing emails for each mailbox, and in all."""

from peewee import CharField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add a column, fill it with the lower-case email, and add indexes."""
    migrate(migrator.add_column("letter", "mailbox", CharField(320, null=True)))
    database.execute_sql("UPDATE letter SET mailbox = lower(recipient)")
    database.add_index("letter_mailbox", "letter (mailbox, owed_at)")
    database.add_index("letter_kind_owed_at", "letter (kind, owed_at)")
