"""Deciding by command: what the review desk does."""

import getpass
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import click

from models.signups import decide, search
from models.signups.decide import AlreadyDecided, Postponed, TooLateToUndo
from models.signups.history import Actor, Event
from models.signups.signup import PUBLIC_STATES, Signup, State
from models.strapi import RowChanged, RowGone, StrapiClient, StrapiUnavailable
from signup import durations
from signup.cli.valid_settings import with_valid_settings
from signup.databases import strapi


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
    while (page - 1) * 100 < total:
        signups, total = search.page(state, "", page, 100)
        for signup in signups:
            click.echo(f"{signup.strapi_id or '-'}\t{signup.email}\t{signup.name}\t{signup.state}")
        page += 1


@click.command()
@click.argument("email")
@with_valid_settings
def show(email: str) -> None:
    """Tell what happened to the signup with this address."""
    signup = Signup.current(email.strip().lower(), timedelta.max)
    if signup is None:
        raise click.ClickException(f"{email} has no signup")
    click.echo(f"{signup.email}\t{signup.name}\t{signup.public_state}")
    for event in Event.for_signup(signup):
        facts = (event.kind, event.by, event.ip, event.reason)
        told = "\t".join(fact for fact in facts if fact)
        click.echo(f"{event.at.isoformat(timespec='seconds')}\t{told}")


@click.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@click.option("--after-all", is_flag=True, help="Also somebody who was declined.")
@with_valid_settings
def activate(emails: tuple[str, ...], after_all: bool) -> None:
    """Let the authors with these addresses in."""
    decision = partial(
        decide.activate, by=_operator(), undo_period=durations.undo_period(), after_all=after_all
    )
    _decide_all(emails, decision)


@click.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@click.option("--reason", help="Goes into the letter.")
@click.option("--silently", is_flag=True, help="Send no letter.")
@with_valid_settings
def decline(emails: tuple[str, ...], reason: str | None, silently: bool) -> None:
    """Refuse the authors with these addresses."""
    words: dict[str, Any] = {"reason": reason, "tell": not silently}
    _decide_all(
        emails,
        partial(decide.decline, by=_operator(), undo_period=durations.undo_period(), **words),
    )


@click.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@with_valid_settings
def undo(emails: tuple[str, ...]) -> None:
    """Take decisions back, before anybody was told."""
    _decide_all(emails, partial(decide.undo, by=_operator()))


def _decide_all(emails: tuple[str, ...], verb: Callable[[Signup, StrapiClient], Any]) -> None:
    failed = False
    for email in emails:
        try:
            _decide(email, verb)
        except click.ClickException as error:
            error.show()
            failed = True
    if failed:
        raise click.exceptions.Exit(1)


def _decide(email: str, verb: Callable[[Signup, StrapiClient], Any]) -> None:
    signup = Signup.current(email.strip().lower(), timedelta.max)
    if signup is None or signup.strapi_id is None:
        raise click.ClickException(f"{email} is not the address of a confirmed signup")
    try:
        verb(signup, strapi())
    except RowGone as error:
        raise click.ClickException(f"{email} is no longer in Strapi") from error
    except AlreadyDecided as error:
        by = signup.decided_by or "somebody in Strapi"
        raise click.ClickException(f"already {signup.state}, decided by {by}") from error
    except TooLateToUndo as error:
        raise click.ClickException("there is no decision to take back any more") from error
    except Postponed:
        click.echo("noted; it takes effect as soon as Strapi's database can be written")
        return
    except (RowChanged, StrapiUnavailable) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{email} is {signup.public_state}")


def _operator() -> Actor:
    return Actor(f"{getpass.getuser()} (command line)")
