"""Check, deliver, purge, move the ledger, try the sandbox, and print the version."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from models import transfer
from models.ledger.database import LedgerTooNew, LedgerUnavailable
from models.strapi import StrapiUnavailable
from signup import sandbox, secret_keys
from signup.cli.check import findings
from signup.cli.check.finding import Finding
from signup.cli.check.mail import send_test
from signup.cli.encryption import unencrypted
from signup.cli.valid_settings import with_valid_settings
from signup.databases import reconciler
from signup.mail import worker
from signup.mail.delivery import deliver_due
from signup.mail.smtp import MailServerUnavailable


@click.command()
@click.option("--send-to", metavar="EMAIL", help="Also send a real test email.")
@with_appcontext
def check(send_to: str | None) -> None:
    """Test settings, databases and mail server, and say what to do."""
    failed = False
    for finding in _findings(send_to):
        click.echo(f"{finding.label:<7}{finding.what}")
        if finding.advice:
            click.echo(f"       {finding.advice}")
        failed |= finding.label == "WRONG"
    exposed = secret_keys.exposed(current_app.config, Path(current_app.root_path))
    for advice in (*exposed, *unencrypted(current_app.config)):
        click.echo(f"WARN   {advice}")
    if failed:
        raise click.exceptions.Exit(1)


def _findings(send_to: str | None) -> Iterator[Finding]:
    yield from findings()
    if send_to:
        try:
            yield from send_test(send_to)
        except ValueError as error:
            raise click.BadParameter(f"{send_to} is not an email") from error


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=5000,
    show_default=True,
    help="Port on 127.0.0.1.",
)
def demo(port: int) -> None:
    """Start the sandbox: no Strapi, no mail server, no settings."""
    sandbox.serve(port)


@click.command()
@with_valid_settings
def deliver() -> None:
    """Reconcile, send the emails that are due, and exit."""
    try:
        reconciler().run_if_changed()
    except StrapiUnavailable as error:
        click.echo(f"reconcile postponed: {error}", err=True)
    handled = 0
    try:
        for _ in deliver_due():
            handled += 1
    except MailServerUnavailable as error:
        raise click.ClickException(f"the mail server is unavailable: {error}") from error
    finally:
        click.echo(f"{handled} email{'' if handled == 1 else 's'} handled")


@click.command()
@with_valid_settings
def purge() -> None:
    """Delete what is no longer kept."""
    purged = worker.purge_old_data()
    click.echo(f"{purged} signup{'' if purged == 1 else 's'} purged")


@click.command()
@click.argument("url", metavar="URL")
@with_valid_settings
def move_ledger(url: str) -> None:
    """Copy the ledger to an empty database, and compare every row.

    Stop the service first. What it accepts afterwards is not copied.
    """
    try:
        rows = transfer.move(url)
    except transfer.TargetNotEmpty as error:
        raise click.ClickException("there is a ledger already: name an empty database") from error
    except (LedgerTooNew, *LedgerUnavailable) as error:
        raise click.ClickException(f"nothing was moved: {error}") from error
    click.echo(f"{rows} row{'' if rows == 1 else 's'} moved: set SIGNUP_LEDGER to this URL")


@click.command()
@with_appcontext
def version() -> None:
    """Print the version of this service."""
    project = tomllib.loads((Path(current_app.root_path) / "pyproject.toml").read_text())
    click.echo(project["project"]["version"])
