"""The sandbox: try everything on this machine, without Strapi and a mail server."""

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
from flask_mail import email_dispatched

from models import password_hashing
from models.strapi import new_document_id
from models.timestamps import now, to_milliseconds
from signup.databases import strapi

sandbox = Blueprint("sandbox", __name__, url_prefix="/sandbox")

ROOT = Path(__file__).parent.parent
SCHEMA = Path(__file__).with_name("sandbox.sql")
REVIEWER = "super.admin@example.com"


def serve(port: int) -> None:
    """Create a new sandbox and serve it on 127.0.0.1. Does not return."""
    _require_port(port)
    folder = ROOT / "instance" / f"sandbox-{port}"
    password = f"Aa1-{secrets.token_urlsafe(9)}"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        create_strapi_file(folder / "strapi.db", password)
    except (OSError, sqlite3.Error) as error:
        raise click.ClickException(
            f"the sandbox cannot write to {folder}: let this user write there, or free some space"
        ) from error
    for name in [name for name in os.environ if name.upper().startswith("SIGNUP_")]:
        del os.environ[name]
    os.environ.update(environment(folder, port, password))
    click.echo(
        "\n  SANDBOX: no Strapi, no mail server. Ctrl-C ends it."
        "\n  The next start on the same port deletes its data. Start with the form."
        f"\n\n  Signup form   http://127.0.0.1:{port}/signup"
        f"\n  Mailbox       http://127.0.0.1:{port}/sandbox/mailbox"
        f"\n  Review pages  http://127.0.0.1:{port}/review"
        f"\n                {REVIEWER}   {password}\n"
    )
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    os.chdir(ROOT)
    bind = ["--bind", f"127.0.0.1:{port}"]
    os.execv(gunicorn, [gunicorn, *bind, "app:serve()"])  # noqa: S606 (no shell is the point) # nosec B606


def _require_port(port: int) -> None:
    """Raise ClickException when nothing can listen on the port, with the reason."""
    with socket.socket() as probe:
        # As gunicorn does: a port that was used a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            used = "is for administrators" if isinstance(error, PermissionError) else "is in use"
            raise click.ClickException(
                f"port {port} {used}: try another, make run PORT=8000"
            ) from error


def environment(folder: Path, port: int, password: str) -> dict[str, str]:
    """Return the environment variables of a sandbox."""
    url = f"http://127.0.0.1:{port}"
    settings = {
        "SANDBOX": password,
        "SECRET_KEY": secrets.token_hex(32),
        "STRAPI_DATABASE": str(folder / "strapi.db"),
        "STRAPI_ADMIN_URL": f"{url}/sandbox/strapi",
        "PUBLIC_URL": url,
        "LEDGER": str(folder / "ledger.db"),
        "SITE_NAME": "The Sandbox Gazette",
        "MAIL_SERVER": "sandbox",
        "MAIL_DEFAULT_SENDER": "The Sandbox Gazette <gazette@example.com>",
        "MAIL_SUPPRESS_SEND": "true",
        # Long enough to undo a decision, short enough to wait for its email.
        "UNDO_SECONDS": "10",
        # Somebody who tries the service fills in forms quickly and often.
        "RATELIMIT_ENABLED": "false",
    }
    # A .env file may hold the settings of a real installation.
    return {f"SIGNUP_{name}": value for name, value in settings.items()} | {
        "FLASK_SKIP_DOTENV": "1",
        "FLASK_DEBUG": "0",
    }


def create_strapi_file(path: Path, password: str) -> None:
    """Create a database with the schema of Strapi 5 and a super admin with this password."""
    created_at = to_milliseconds(now())
    hashed = password_hashing.hash_password(password)
    database = sqlite3.connect(path)
    database.executescript(SCHEMA.read_text())
    database.execute(
        "INSERT INTO admin_users (document_id, firstname, lastname, email, password, is_active,"
        " blocked, created_at, updated_at, published_at)"
        " VALUES (?, 'Super', 'Admin', ?, ?, 1, 0, ?, ?, ?)",
        (new_document_id(), REVIEWER, hashed, created_at, created_at, created_at),
    )
    database.execute("INSERT INTO admin_users_roles_lnk VALUES (1, 1, 1, 1, 1)")
    database.commit()
    database.close()


def init_app(app: Flask) -> None:
    """Add the mailbox and the banner, if this is the sandbox."""
    password = app.config.get("SANDBOX")
    if not password:
        return
    if urlsplit(app.config["PUBLIC_URL"]).hostname != "127.0.0.1":
        raise ValueError("a sandbox serves this machine only: PUBLIC_URL must be on 127.0.0.1")
    app.register_blueprint(sandbox)
    email_dispatched.connect(store_email, app)
    banner = {"email": REVIEWER, "password": password}
    app.context_processor(lambda: {"sandbox": banner})


def store_email(_: Flask, message: EmailMessage) -> None:
    """Put an email into the mailbox instead of sending it."""
    _mailbox().add(message.as_bytes())


@sandbox.get("/mailbox")
def mailbox() -> ResponseReturnValue:
    """All emails, newest first."""
    emails = [(key, _email(key)) for key in _mailbox().iterkeys()]
    emails.sort(key=lambda pair: pair[1]["Date"].datetime, reverse=True)
    return render_template("sandbox/mailbox.html", emails=emails)


@sandbox.get("/mailbox/<key>")
def show_email(key: str) -> ResponseReturnValue:
    """The HTML of an email, with its own styles and without scripts."""
    if key not in _mailbox():
        abort(404)
    html = _email(key).get_body(("html",))
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return html.get_content() if html else "", {"Content-Security-Policy": policy}


@sandbox.get("/strapi")
@sandbox.get("/strapi/<path:anywhere>")
def panel(**_: str) -> ResponseReturnValue:
    """The admin users in Strapi's file, in place of Strapi's login page."""
    admins = strapi().read(lambda admin_users: admin_users.by_id(range(1, 500)))
    return render_template("sandbox/strapi.html", admins=admins.values())


def _mailbox() -> Maildir:
    folder = Path(current_app.config["STRAPI_DATABASE"]).with_name("mailbox")
    return Maildir(folder)


def _email(key: str) -> EmailMessage:
    return message_from_bytes(_mailbox().get_bytes(key), policy=policy.default)
