"""The networks from which an account has logged in."""

from peewee import BigAutoField, BigIntegerField, CharField, Model
from playhouse.migrate import SchemaMigrator

from models.engines import Engine


class KnownNetwork(Model):
    """A keyed hash of an account and a network, and when the account last logged in from it."""

    id = BigAutoField()
    digest = CharField(unique=True)
    seen_at = BigIntegerField(index=True)

    class Meta:
        """Use the name of the table."""

        table_name = "known_network"


def up(_: SchemaMigrator, database: Engine) -> None:
    """Create the table."""
    with KnownNetwork.bind_ctx(database):
        database.create_tables([KnownNetwork])
