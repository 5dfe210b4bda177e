"""Who somebody is, in one indexed column, so that looking for a person stays quick."""

from peewee import SqliteDatabase
from playhouse.migrate import SchemaMigrator


def up(_: SchemaMigrator, database: SqliteDatabase) -> None:
    """Add a column that SQLite fills by itself, and forgets with what it is made of."""
    database.execute_sql(
        "ALTER TABLE signup ADD COLUMN who TEXT GENERATED ALWAYS AS"
        " (lower(firstname || ' ' || coalesce(lastname || ' ', '') || email)) VIRTUAL"
    )
    database.execute_sql("CREATE INDEX signup_who ON signup (state, who)")
