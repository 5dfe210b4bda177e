"""Index decisions, and confirmations that have begun, for ledgers of a million signups."""

from playhouse.migrate import SchemaMigrator

from models.engines import Engine


def up(_: SchemaMigrator, database: Engine) -> None:
    """Add indexes."""
    database.add_index("signup_decided", "signup (state, decided_at, strapi_id)")
    database.add_index("signup_born", "signup (state, born_at)")
