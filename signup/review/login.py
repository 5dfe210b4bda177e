"""The door: nobody gets in but Strapi's active super admins, with their own credentials."""

import logging

import click
from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from models.reviewers.authentication import authenticate
from models.reviewers.sessions import Session
from models.signups.history import Actor
from models.strapi import AdminUsers, StrapiUnavailable
from signup import i18n
from signup.cli import with_valid_settings
from signup.databases import known, strapi
from signup.errors import error_response
from signup.forms import ButtonForm, LoginForm
from signup.i18n import gettext
from signup.logging import address
from signup.login_limits import try_login

log = logging.getLogger(__name__)
pages = Blueprint("login", __name__, url_prefix="/review", cli_group=None)


def reviewer_blueprint(name: str) -> Blueprint:
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
        return redirect(url_for("login.show", ended=request.method == "POST" or None), 303)
    return None


def reviewer() -> Actor:
    """Who is at the desk, for the history."""
    return Actor(g.reviewer.email, request.remote_addr)


@pages.errorhandler(StrapiUnavailable)
def unavailable(error: StrapiUnavailable) -> ResponseReturnValue:
    """Without Strapi's file nobody can be recognised; nothing was decided."""
    log.error("strapi unavailable", extra={"error": str(error)})
    return error_response(503)


@pages.get("/login")
def show() -> ResponseReturnValue:
    """The form for Strapi credentials."""
    return _page(LoginForm())


@pages.post("/login")
def submit() -> ResponseReturnValue:
    """Begin a session for a super admin; the same answer for every other attempt."""
    form = LoginForm()
    if not form.validate_on_submit():
        return _page(form), form.status
    email, password = form.email.data or "", form.password.data or ""
    admin = try_login(email, lambda: authenticate(strapi(), email, password))
    if admin is None:
        log.warning("login refused", extra={"account": address(email)})
        form.form_errors.append(gettext("That is not the address and password of a super admin."))
        return _page(form), 422
    Session.end(session.get("review", ""))
    i18n.clear_session(session)
    session["review"] = Session.begin(admin)
    log.info("logged in", extra={"account": admin.email})
    return redirect(url_for("queue.index"), 303)


@pages.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session, for every copy of its cookie."""
    if not ButtonForm().validate_on_submit():
        return error_response(400)
    Session.end(session.get("review", ""))
    i18n.clear_session(session)
    log.info("logged out")
    return redirect(url_for(".show"), 303)


@pages.post("/logout/everywhere")
def logout_everywhere() -> ResponseReturnValue:
    """End every session of this reviewer: the one that was left open somewhere, too."""
    if (stranger := guard()) is not None:
        return stranger
    if not ButtonForm().validate_on_submit():
        return error_response(400)
    ended = Session.end_all(g.reviewer.id)
    i18n.clear_session(session)
    log.info("logged out everywhere", extra={"sessions": ended})
    return redirect(url_for(".show"), 303)


@pages.cli.command("logout")
@click.argument("email", required=False)
@with_valid_settings
def end_sessions(email: str | None) -> None:
    """End every session at the review desk, or those of one reviewer."""
    try:
        ended = Session.end_all(_id_of(email) if email else None)
    except StrapiUnavailable as error:
        raise click.ClickException(f"{error}; without EMAIL, everybody is logged out") from error
    click.echo(f"{ended} session{'' if ended == 1 else 's'} ended")


def _id_of(email: str) -> int:
    found = strapi().read(lambda admin_users: admin_users.by_email(email.strip().lower()))
    if not found:
        raise click.ClickException(f"{email} is the address of no administrator in Strapi")
    return found[0].id


def _page(form: LoginForm) -> str:
    nobody = not known(AdminUsers.super_admins)
    return render_template("review/login.html", form=form, nobody=nobody)
