"""Add an indexed column of first name, last name and email, for the search of the queue."""

from playhouse.migrate import SchemaMigrator

from models.engines import Engine, MySQL, SQLite

JOINED = "firstname || ' ' || coalesce(lastname || ' ', '') || email"
# In MySQL, || means OR, and an index on a text needs a length.
JOINED_BY_MYSQL = "concat(firstname, ' ', coalesce(concat(lastname, ' '), ''), email)"
LENGTH_FOR_MYSQL = 500


def up(_: SchemaMigrator, database: Engine) -> None:
    """Add a generated column: clearing its sources clears it, too."""
    mysql = isinstance(database, MySQL)
    joined = JOINED_BY_MYSQL if mysql else JOINED
    # SQLite cannot add a STORED column to a table, and PostgreSQL has no VIRTUAL ones before 18.
    kept = "VIRTUAL" if isinstance(database, SQLite) else "STORED"
    column = f"who TEXT GENERATED ALWAYS AS (lower({joined})) {kept}"
    statement = f"ALTER TABLE signup ADD COLUMN {column}"
    database.execute_sql(statement)
    who = f"who({LENGTH_FOR_MYSQL})" if mysql else "who"
    database.add_index("signup_who", f"signup (state, {who})")
