"""Letters counted for the mailbox that they reach, and in all."""

from peewee import SqliteDatabase, TextField
from playhouse.migrate import SchemaMigrator, migrate


def up(migrator: SchemaMigrator, database: SqliteDatabase) -> None:
    """Add a column, fill it as if each address were a mailbox, and add indexes."""
    migrate(migrator.add_column("letter", "mailbox", TextField(null=True)))
    database.execute_sql("UPDATE letter SET mailbox = lower(recipient)")
    database.execute_sql("CREATE INDEX letter_mailbox ON letter (mailbox, owed_at)")
    database.execute_sql("CREATE INDEX letter_kind_owed_at ON letter (kind, owed_at)")
