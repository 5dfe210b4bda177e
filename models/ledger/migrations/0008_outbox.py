"""What is due, and what is parked, found without a look at all that was sent."""

from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Exchange an index for a smaller one."""
    migrate(migrator.drop_index("letter", "letter_due_at"))
    database.add_index("letter_parked", "letter (parked_at)", "parked_at IS NOT NULL")
