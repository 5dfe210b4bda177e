"""Stop all emails to a mailbox, or allow them again, from the command line."""

import click

from models.mail.suppressions import Suppression
from models.signups import decide, disputes
from signup import links
from signup.cli.decide import operator
from signup.cli.valid_settings import with_valid_settings
from signup.validation.email import InvalidEmail, normalize


@click.command()
@click.argument("email")
@with_valid_settings
def stop(email: str) -> None:
    """Never write to this mailbox again, and drop its signups, except active accounts."""
    decide.stop(_normalized(email), links.signing_keys(), operator())
    click.echo(f"nothing will be sent to the mailbox of {email}")


@click.command()
@click.argument("email")
@with_valid_settings
def allow(email: str) -> None:
    """Let a mailbox that was stopped get emails again, and end the dispute of its account."""
    normalized = _normalized(email)
    removed = Suppression.remove(normalized, links.signing_keys())
    disputes.withdraw(normalized)
    click.echo(f"{email} may get emails again" if removed else f"{email} was not stopped")


def _normalized(email: str) -> str:
    try:
        return normalize(email.strip())
    except InvalidEmail as error:
        raise click.BadParameter(f"{email} is not an email") from error
