"""Store when a review session was last used."""

from peewee import SQL, BigIntegerField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add the time of the last request, and end the open sessions, which have none."""
    seen_at = BigIntegerField(default=0, constraints=[SQL("DEFAULT 0")])
    migrate(migrator.add_column("session", "seen_at", seen_at))
    database.execute_sql("DELETE FROM session")
