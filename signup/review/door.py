"""The door: nobody gets in but Strapi's active super admins, with their own credentials."""

import logging

import click
from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from models.history import Actor
from models.sessions import Session, authenticate
from models.strapi import Administrators, StrapiUnavailable
from signup import languages
from signup.attempts import attempt
from signup.commands import with_sound_settings
from signup.databases import known, strapi
from signup.errors import answer
from signup.forms import ButtonForm, LoginForm
from signup.languages import gettext
from signup.logs import address

log = logging.getLogger(__name__)
door = Blueprint("door", __name__, url_prefix="/review", cli_group=None)


def guarded(name: str) -> Blueprint:
    """A blueprint behind the door."""
    pages = Blueprint(name, name, url_prefix="/review")
    pages.before_request(guard)
    pages.register_error_handler(StrapiUnavailable, unavailable)
    return pages


def guard() -> ResponseReturnValue | None:
    """Let nobody in but an active super admin, whose rights are read afresh each time."""
    g.reviewer = Session.reviewer(session.get("review", ""), strapi())
    if g.reviewer is None:
        log.warning("session refused", extra={"method": request.method})
        return redirect(url_for("door.login", ended=request.method == "POST" or None), 303)
    return None


def reviewer() -> Actor:
    """Who is at the desk, for the history."""
    return Actor(g.reviewer.email, request.remote_addr)


@door.errorhandler(StrapiUnavailable)
def unavailable(error: StrapiUnavailable) -> ResponseReturnValue:
    """Without Strapi's file nobody can be recognised; nothing was decided."""
    log.error("nobody can review", extra={"trouble": str(error)})
    return answer(503)


@door.get("/login")
def login() -> ResponseReturnValue:
    """The form for Strapi credentials."""
    return _page(LoginForm())


@door.post("/login")
def enter() -> ResponseReturnValue:
    """Begin a session for a super admin; the same answer for every other attempt."""
    form = LoginForm()
    if not form.validate_on_submit():
        return _page(form), form.status
    email, password = form.email.data or "", form.password.data or ""
    admin = attempt(email, lambda: authenticate(strapi(), email, password))
    if admin is None:
        log.warning("login refused", extra={"account": address(email)})
        form.form_errors.append(gettext("That is not the address and password of a super admin."))
        return _page(form), 422
    Session.end(session.get("review", ""))
    languages.clear(session)
    session["review"] = Session.begin(admin)
    log.info("logged in", extra={"account": admin.email})
    return redirect(url_for("desk.queue"), 303)


@door.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session, for every copy of its cookie."""
    if not ButtonForm().validate_on_submit():
        return answer(400)
    Session.end(session.get("review", ""))
    languages.clear(session)
    log.info("logged out")
    return redirect(url_for(".login"), 303)


@door.post("/logout/everywhere")
def logout_everywhere() -> ResponseReturnValue:
    """End every session of this reviewer: the one that was left open somewhere, too."""
    if (stranger := guard()) is not None:
        return stranger
    if not ButtonForm().validate_on_submit():
        return answer(400)
    ended = Session.end_all(g.reviewer.id)
    languages.clear(session)
    log.info("logged out everywhere", extra={"sessions": ended})
    return redirect(url_for(".login"), 303)


@door.cli.command("logout")
@click.argument("email", required=False)
@with_sound_settings
def end_sessions(email: str | None) -> None:
    """End every session at the review desk, or those of one reviewer."""
    try:
        ended = Session.end_all(_id_of(email) if email else None)
    except StrapiUnavailable as error:
        raise click.ClickException(f"{error}; without EMAIL, everybody is logged out") from error
    click.echo(f"{ended} session{'' if ended == 1 else 's'} ended")


def _id_of(email: str) -> int:
    found = strapi().read(lambda people: people.named(email.strip().lower()))
    if not found:
        raise click.ClickException(f"{email} is the address of no administrator in Strapi")
    return found[0].id


def _page(form: LoginForm) -> str:
    nobody = not known(Administrators.super_admins)
    return render_template("review/login.html", form=form, nobody=nobody)
