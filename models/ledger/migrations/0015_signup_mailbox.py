"""The mailbox of a signup: "this wasn't me" and declines count for it."""

from peewee import CharField
from playhouse.migrate import SchemaMigrator, migrate

from models.engines import Engine


def up(migrator: SchemaMigrator, database: Engine) -> None:
    """Add a column and its index. The worker fills it: `fill_mailboxes`."""
    migrate(migrator.add_column("signup", "mailbox", CharField(320, null=True)))
    database.add_index("signup_mailbox", "signup (mailbox)")
