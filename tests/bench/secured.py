"""Flask-Security's register page with confirmation, on SQLite by way of Peewee, its letters handed
to nobody, so that only its own work counts. Runs in `.venv-bench`."""

import os
import secrets
from pathlib import Path

import peewee
from flask import Flask
from flask_security import MailUtil, PeeweeUserDatastore, RoleMixin, Security, UserMixin
from flask_security.confirmable import generate_confirmation_token

# What our own ledger has, too: an answer of yes survives a power cut.
DURABLE = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1}
database = peewee.SqliteDatabase(None, pragmas=DURABLE)


class Table(peewee.Model):
    """A row of its one database."""

    class Meta:
        """As Flask-Security's documentation has it."""

        database = database


class Role(Table, RoleMixin):  # type: ignore[misc]
    """What a user may do."""

    name = peewee.CharField(unique=True)
    description = peewee.TextField(null=True)
    permissions = peewee.TextField(null=True)


class User(Table, UserMixin):  # type: ignore[misc]
    """Somebody who registered."""

    email = peewee.CharField(unique=True)
    password = peewee.TextField(null=True)
    active = peewee.BooleanField(default=True)
    fs_uniquifier = peewee.CharField(unique=True)
    confirmed_at = peewee.DateTimeField(null=True)


class UserRoles(Table):
    """Which user has which role."""

    user = peewee.ForeignKeyField(User)
    role = peewee.ForeignKeyField(Role)


class NoMail(MailUtil):  # type: ignore[misc]
    """Sends nothing."""

    def send_mail(self, *_: object, **__: object) -> None:
        """Take a letter, and forget it."""


def create() -> Flask:
    """The application, in the folder that SECURED names; the path of a link is written beside
    the database."""
    folder = Path(os.environ["SECURED"])
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secrets.token_hex(32),
        SECURITY_PASSWORD_SALT=secrets.token_hex(16),
        # Strapi's hash at Strapi's cost.
        SECURITY_PASSWORD_HASH="bcrypt",
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={"bcrypt__rounds": 10},
        SECURITY_REGISTERABLE=True,
        SECURITY_USE_REGISTER_V2=True,
        SECURITY_CONFIRMABLE=True,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    )
    database.init(str(folder / "secured.db"))
    app.before_request(open_database)
    app.teardown_request(close_database)
    datastore = PeeweeUserDatastore(database, User, Role, UserRoles)
    Security(app, datastore, mail_util_cls=NoMail)
    with app.app_context():
        (folder / "link").write_text(link(datastore))
    return app


def open_database() -> None:
    """A connection for each request, as Peewee's documentation has it."""
    database.connect(reuse_if_open=True)


def close_database(_: BaseException | None) -> None:
    """Leave nothing open behind a request."""
    if not database.is_closed():
        database.close()


def link(datastore: PeeweeUserDatastore) -> str:
    """The path of the link of somebody new."""
    with database, database.atomic():
        database.create_tables([User, Role, UserRoles])
        user = datastore.create_user(email="asked@firm.com", password="x")
        return f"/confirm/{generate_confirmation_token(user)}"
