"""Who somebody is, in one indexed column, so that looking for a person stays quick."""

from playhouse.migrate import SchemaMigrator

from models.engines import Engine, MySQL, SQLite

JOINED = "firstname || ' ' || coalesce(lastname || ' ', '') || email"
# To MySQL, || means OR; and no index of its holds a text without a length.
JOINED_BY_MYSQL = "concat(firstname, ' ', coalesce(concat(lastname, ' '), ''), email)"
LENGTH_FOR_MYSQL = 500


def up(_: SchemaMigrator, database: Engine) -> None:
    """Add a column that the database fills by itself, and forgets with what it is made of."""
    mysql = isinstance(database, MySQL)
    joined = JOINED_BY_MYSQL if mysql else JOINED
    # SQLite can add no column that is stored, and PostgreSQL stores all.
    kept = "VIRTUAL" if isinstance(database, SQLite) else "STORED"
    column = f"who TEXT GENERATED ALWAYS AS (lower({joined})) {kept}"
    statement = f"ALTER TABLE signup ADD COLUMN {column}"
    database.execute_sql(statement)
    who = f"who({LENGTH_FOR_MYSQL})" if mysql else "who"
    database.add_index("signup_who", f"signup (state, {who})")
