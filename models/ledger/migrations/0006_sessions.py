"""Sessions whose idle time the ledger keeps."""

from peewee import SQL, BigIntegerField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add the instant of a session's last request, which ends those that are open."""
    seen_at = BigIntegerField(default=0, constraints=[SQL("DEFAULT 0")])
    migrate(migrator.add_column("session", "seen_at", seen_at))
    database.execute_sql("DELETE FROM session")
