"""List, show, activate, decline and undo from the command line."""

import getpass
from functools import partial

import click

from models.signups import decide, search
from models.signups.decide import Postponed
from models.signups.history import Actor, Event
from models.signups.signup import PUBLIC_STATES, State
from models.strapi import StrapiUnavailable
from signup import durations
from signup.cli.valid_settings import with_valid_settings
from signup.databases import strapi
from signup.decision_errors import DECISION_ERRORS, EXCEPTIONS, Verb, describe

PAGE_SIZE = 100


@click.command()
@click.option(
    "--state",
    type=click.Choice([state.value for state in PUBLIC_STATES]),
    default=State.WAITING.value,
    show_default=True,
)
@with_valid_settings
def authors(state: str) -> None:
    """List the signups in a state."""
    page, total = 1, 1
    while (page - 1) * PAGE_SIZE < total:
        signups, total = search.page(state, "", page, PAGE_SIZE)
        for signup in signups:
            click.echo(f"{signup.strapi_id or '-'}\t{signup.email}\t{signup.name}\t{signup.state}")
        page += 1


@click.command()
@click.argument("email")
@with_valid_settings
def show(email: str) -> None:
    """Show the history of the signup with this email."""
    signup = search.by_email(email, strapi()) or search.newest(email)
    if signup is None:
        raise click.ClickException(f"{email} has no signup")
    click.echo(f"{signup.email}\t{signup.name}\t{signup.public_state}")
    for event in Event.for_signup(signup):
        known = [each for each in (event.kind, event.by, event.ip, event.reason) if each]
        click.echo("\t".join([event.at.isoformat(timespec="seconds"), *known]))


@click.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@click.option("--after-all", is_flag=True, help="Also somebody who was declined.")
@with_valid_settings
def activate(emails: tuple[str, ...], after_all: bool) -> None:
    """Activate the authors with these emails."""
    verb = partial(
        decide.activate, by=operator(), undo_period=durations.undo_period(), after_all=after_all
    )
    _decide_all(emails, verb)


@click.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@click.option("--reason", help="Is sent to the author.")
@click.option("--silently", is_flag=True, help="Send no email.")
@with_valid_settings
def decline(emails: tuple[str, ...], reason: str | None, silently: bool) -> None:
    """Decline the authors with these emails."""
    actor, undo_period, tell = operator(), durations.undo_period(), not silently
    _decide_all(
        emails, partial(decide.decline, by=actor, undo_period=undo_period, reason=reason, tell=tell)
    )


@click.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@with_valid_settings
def undo(emails: tuple[str, ...]) -> None:
    """Undo decisions before their emails are sent."""
    _decide_all(emails, partial(decide.undo, by=operator()))


def operator() -> Actor:
    """Return the user of the command line, for the history."""
    return Actor(f"{getpass.getuser()} (command line)")


def _decide_all(emails: tuple[str, ...], verb: Verb) -> None:
    """Decide about each email. If any fails, the exit code is 1."""
    failed = False
    for email in emails:
        try:
            _decide(email, verb)
        except click.ClickException as error:
            error.show()
            failed = True
    if failed:
        raise click.exceptions.Exit(1)


def _decide(email: str, verb: Verb) -> None:
    signup = search.by_email(email, strapi())
    if signup is None or signup.strapi_id is None:
        raise click.ClickException(f"no confirmed signup has the email {email}")
    try:
        verb(signup, strapi())
    except EXCEPTIONS as error:
        message = describe(DECISION_ERRORS[type(error)].command_message, signup, error)
        if not isinstance(error, Postponed):
            raise click.ClickException(message) from error
        click.echo(message)
    except StrapiUnavailable as error:
        raise click.ClickException(str(error)) from error
    else:
        click.echo(f"{email} is {signup.public_state}")
