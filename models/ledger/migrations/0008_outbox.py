"""Find due and parked emails without reading those that were sent."""

from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Replace an index by one of the parked emails alone."""
    migrate(migrator.drop_index("letter", "letter_due_at"))
    database.add_index("letter_parked", "letter (parked_at)", "parked_at IS NOT NULL")
