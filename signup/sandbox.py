"""The sandbox: the whole way without a Strapi and a mail server, on this machine alone."""

import os
import secrets
import shutil
import socket
import sqlite3
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from mailbox import Maildir
from pathlib import Path
from urllib.parse import urlsplit

import click
from flask import Blueprint, Flask, abort, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_mail import Message, email_dispatched

from models import password_hashing
from models.strapi import new_document_id
from models.timestamps import now, to_milliseconds
from signup.databases import strapi

sandbox = Blueprint("sandbox", __name__, url_prefix="/sandbox")

ROOT = Path(__file__).parent.parent
SCHEMA = Path(__file__).with_name("sandbox.sql")
REVIEWER = "super.admin@example.com"


def serve(port: int) -> None:
    """Make a new sandbox and serve it on 127.0.0.1; does not return."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise click.ClickException(f"port {port} is in use: try another, make run PORT=8000")
    folder = ROOT / "instance" / f"sandbox-{port}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    password = f"Aa1-{secrets.token_urlsafe(9)}"
    make_strapi(folder / "strapi.db", password)
    for name in [name for name in os.environ if name.startswith("SIGNUP_")]:
        del os.environ[name]
    os.environ.update(environment(folder, port, password))
    click.echo(
        "\n  SANDBOX: no Strapi, no mail server. Everything here is forgotten at the next start;"
        "\n  Ctrl-C ends it. Begin with the form."
        f"\n\n  Signup form   http://127.0.0.1:{port}/signup"
        f"\n  Mailbox       http://127.0.0.1:{port}/sandbox/mailbox"
        f"\n  Review desk   http://127.0.0.1:{port}/review"
        f"\n                {REVIEWER}   {password}\n"
    )
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    os.chdir(ROOT)
    bind = ["--bind", f"127.0.0.1:{port}"]
    os.execv(gunicorn, [gunicorn, *bind, "app:serve()"])  # noqa: S606 (no shell is the point) # nosec B606


def environment(folder: Path, port: int, password: str) -> dict[str, str]:
    """The settings of a sandbox."""
    here = f"http://127.0.0.1:{port}"
    settings = {
        "SANDBOX": password,
        "SECRET_KEY": secrets.token_hex(32),
        "STRAPI_DATABASE": str(folder / "strapi.db"),
        "STRAPI_ADMIN_URL": f"{here}/sandbox/strapi",
        "PUBLIC_URL": here,
        "LEDGER": str(folder / "ledger.db"),
        "SITE_NAME": "The Sandbox Gazette",
        "MAIL_SERVER": "sandbox",
        "MAIL_DEFAULT_SENDER": "The Sandbox Gazette <gazette@example.com>",
        "MAIL_SUPPRESS_SEND": "true",
        # Long enough to take a decision back, short enough to wait for its letter.
        "UNDO_SECONDS": "10",
        # Who tries things out is quick, and asks often.
        "RATELIMIT_ENABLED": "false",
    }
    # Nothing of a real installation may leak in, not from its .env either.
    return {f"SIGNUP_{name}": value for name, value in settings.items()} | {
        "FLASK_SKIP_DOTENV": "1",
        "FLASK_DEBUG": "0",
    }


def make_strapi(path: Path, password: str) -> None:
    """Write a file of the shape that Strapi 5 makes, with a super admin of this password."""
    instant = to_milliseconds(now())
    admin = (new_document_id(), REVIEWER, password_hashing.hash_password(password), *[instant] * 3)
    database = sqlite3.connect(path)
    database.executescript(SCHEMA.read_text())
    database.execute(
        "INSERT INTO admin_users (document_id, firstname, lastname, email, password, is_active,"
        " blocked, created_at, updated_at, published_at)"
        " VALUES (?, 'Super', 'Admin', ?, ?, 1, 0, ?, ?, ?)",
        admin,
    )
    database.execute("INSERT INTO admin_users_roles_lnk VALUES (1, 1, 1, 1, 1)")
    database.commit()
    database.close()


def init_app(app: Flask) -> None:
    """Add the mailbox and the banner, where this is the sandbox."""
    password = app.config.get("SANDBOX")
    if not password:
        return
    if urlsplit(app.config["PUBLIC_URL"]).hostname != "127.0.0.1":
        raise ValueError("a sandbox serves nobody but this machine")
    app.register_blueprint(sandbox)
    email_dispatched.connect(keep, app)
    banner = {"email": REVIEWER, "password": password}
    app.context_processor(lambda: {"sandbox": banner})


def keep(_: Flask, message: Message) -> None:
    """Put a letter into the mailbox, where a mail server would have taken it."""
    _mailbox().add(message.as_bytes())


@sandbox.get("/mailbox")
def mailbox() -> ResponseReturnValue:
    """The letters, newest first."""
    letters = [(key, _parsed(key)) for key in _mailbox().iterkeys()]
    letters.sort(key=lambda each: each[1]["Date"].datetime, reverse=True)
    return render_template("sandbox/mailbox.html", letters=letters)


@sandbox.get("/mailbox/<key>")
def letter(key: str) -> ResponseReturnValue:
    """A letter as a mail program shows it, with its own styles and no script."""
    if key not in _mailbox():
        abort(404)
    html = _parsed(key).get_body(("html",))
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return html.get_content() if html else "", {"Content-Security-Policy": policy}


@sandbox.get("/strapi")
@sandbox.get("/strapi/<path:anywhere>")
def panel(**_: str) -> ResponseReturnValue:
    """What Strapi's file holds, where Strapi's login would be."""
    admins = strapi().read(lambda admin_users: admin_users.by_id(range(1, 500)))
    return render_template("sandbox/strapi.html", admins=admins.values())


def _mailbox() -> Maildir:
    folder = Path(current_app.config["STRAPI_DATABASE"]).with_name("mailbox")
    return Maildir(folder)


def _parsed(key: str) -> EmailMessage:
    return message_from_bytes(_mailbox().get_bytes(key), policy=policy.default)
