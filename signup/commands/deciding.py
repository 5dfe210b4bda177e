"""Deciding by command: what the review desk does."""

import getpass
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import click

from models import deciding, queue
from models.deciding import Decided, Postponed, TooLate
from models.history import Actor, Event
from models.signups import SHOWN, Signup, State
from models.strapi import Altered, Gone, Strapi, StrapiUnavailable
from signup import spans
from signup.commands.sound import with_sound_settings
from signup.databases import strapi


@click.command()
@click.option(
    "--state",
    type=click.Choice([state.value for state in SHOWN]),
    default=State.WAITING.value,
    show_default=True,
)
@with_sound_settings
def authors(state: str) -> None:
    """List the signups in a state."""
    page, total = 1, 1
    while (page - 1) * 100 < total:
        signups, total = queue.page(state, "", page, 100)
        for signup in signups:
            click.echo(f"{signup.strapi_id or '-'}\t{signup.email}\t{signup.name}\t{signup.state}")
        page += 1


@click.command()
@click.argument("email")
@with_sound_settings
def show(email: str) -> None:
    """Tell what happened to the signup with this address."""
    signup = Signup.current(email.strip().lower(), timedelta.max)
    if signup is None:
        raise click.ClickException(f"{email} has no signup")
    click.echo(f"{signup.email}\t{signup.name}\t{signup.shown_state}")
    for event in Event.of(signup):
        facts = (event.what, event.by, event.address, event.why)
        told = "\t".join(fact for fact in facts if fact)
        click.echo(f"{event.at.isoformat(timespec='seconds')}\t{told}")


@click.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@click.option("--after-all", is_flag=True, help="Also somebody who was declined.")
@with_sound_settings
def activate(emails: tuple[str, ...], after_all: bool) -> None:
    """Let the authors with these addresses in."""
    decision = partial(deciding.activate, by=_operator(), undo=spans.undo(), after_all=after_all)
    _decide_all(emails, decision)


@click.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@click.option("--reason", help="Goes into the letter.")
@click.option("--silently", is_flag=True, help="Send no letter.")
@with_sound_settings
def decline(emails: tuple[str, ...], reason: str | None, silently: bool) -> None:
    """Refuse the authors with these addresses."""
    words: dict[str, Any] = {"reason": reason, "tell": not silently}
    _decide_all(emails, partial(deciding.decline, by=_operator(), undo=spans.undo(), **words))


@click.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@with_sound_settings
def undo(emails: tuple[str, ...]) -> None:
    """Take decisions back, before anybody was told."""
    _decide_all(emails, partial(deciding.take_back, by=_operator()))


def _decide_all(emails: tuple[str, ...], verb: Callable[[Signup, Strapi], Any]) -> None:
    failed = False
    for email in emails:
        try:
            _decide(email, verb)
        except click.ClickException as error:
            error.show()
            failed = True
    if failed:
        raise click.exceptions.Exit(1)


def _decide(email: str, verb: Callable[[Signup, Strapi], Any]) -> None:
    signup = Signup.current(email.strip().lower(), timedelta.max)
    if signup is None or signup.strapi_id is None:
        raise click.ClickException(f"{email} is not the address of a confirmed signup")
    try:
        verb(signup, strapi())
    except Gone as error:
        raise click.ClickException(f"{email} is no longer in Strapi") from error
    except Decided as error:
        by = signup.decided_by or "somebody in Strapi"
        raise click.ClickException(f"already {signup.state}, decided by {by}") from error
    except TooLate as error:
        raise click.ClickException("there is no decision to take back any more") from error
    except Postponed:
        click.echo("noted; it takes effect as soon as Strapi's database can be written")
        return
    except (Altered, StrapiUnavailable) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{email} is {signup.shown_state}")


def _operator() -> Actor:
    return Actor(f"{getpass.getuser()} (command line)")
