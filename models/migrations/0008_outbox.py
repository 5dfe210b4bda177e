"""What is due, and what is parked, found without a look at all that was sent."""

from peewee import SqliteDatabase
from playhouse.migrate import SchemaMigrator


def up(_: SchemaMigrator, database: SqliteDatabase) -> None:
    """Exchange an index for a smaller one."""
    database.execute_sql("DROP INDEX letter_due_at")
    database.execute_sql(
        "CREATE INDEX letter_parked ON letter (parked_at) WHERE (parked_at IS NOT NULL)"
    )
