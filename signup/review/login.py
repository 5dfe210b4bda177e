"""Log in and out of the review pages with a super admin's email and password in Strapi."""

import logging

import click
from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from models.emails import comparable
from models.log_events import LogEvent
from models.reviewers.authentication import authenticate
from models.reviewers.sessions import Session
from models.signups.history import Actor
from models.strapi import StrapiUnavailable
from signup import i18n
from signup.cli import with_valid_settings
from signup.databases import strapi, strapi_summary
from signup.errors import error_response
from signup.forms import ButtonForm, LoginForm
from signup.i18n import gettext
from signup.logging import loggable_email
from signup.login_limits import try_login

log = logging.getLogger(__name__)
pages = Blueprint("login", __name__, url_prefix="/review", cli_group=None)


def reviewer_blueprint(name: str) -> Blueprint:
    """Return a blueprint whose pages need a review session."""
    pages = Blueprint(name, name, url_prefix="/review")
    pages.before_request(require_reviewer)
    pages.register_error_handler(StrapiUnavailable, strapi_unavailable)
    return pages


def require_reviewer() -> ResponseReturnValue | None:
    """Set `g.reviewer`, or redirect to the login.

    Strapi is asked in each request, so that a demoted super admin loses access at once.
    """
    g.reviewer = Session.reviewer(session.get("review", ""), strapi())
    if g.reviewer is None:
        log.warning(LogEvent.SESSION_REFUSED, extra={"method": request.method})
        if request.method == "POST":
            session["ended"] = True
        return redirect(url_for("login.show"), 303)
    return None


def current_actor() -> Actor:
    """Return the current reviewer, for the history."""
    return Actor(g.reviewer.email, request.remote_addr, g.reviewer.id)


@pages.errorhandler(StrapiUnavailable)
def strapi_unavailable(error: StrapiUnavailable) -> ResponseReturnValue:
    """Answer 503: reviewers cannot be recognised. Nothing was decided."""
    log.error(LogEvent.STRAPI_UNAVAILABLE, extra={"error": str(error)})
    return error_response(503)


@pages.get("/login")
def show() -> ResponseReturnValue:
    """The login form."""
    return _page(LoginForm(), ended=session.pop("ended", False))


@pages.post("/login")
def submit() -> ResponseReturnValue:
    """Start a session for a super admin. All other logins get the same answer."""
    form = LoginForm()
    if not form.validate_on_submit():
        return _page(form), form.status
    email, password = form.email.data or "", form.password.data or ""
    admin = try_login(email, lambda: authenticate(strapi(), email, password))
    if admin is None:
        log.warning(LogEvent.LOGIN_REFUSED, extra={"account": loggable_email(email)})
        form.form_errors.append(gettext("That is not the address and password of a super admin."))
        return _page(form), 422
    _end_session()
    session["review"] = Session.begin(admin)
    log.info(LogEvent.LOGGED_IN, extra={"account": admin.email})
    return redirect(url_for("queue.index"), 303)


@pages.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session, also for copies of its cookie."""
    if not ButtonForm().validate_on_submit():
        return error_response(400)
    _end_session()
    log.info(LogEvent.LOGGED_OUT)
    return redirect(url_for(".show"), 303)


@pages.post("/logout/everywhere")
def logout_everywhere() -> ResponseReturnValue:
    """End every session of this reviewer, on all devices."""
    if (login := require_reviewer()) is not None:
        return login
    if not ButtonForm().validate_on_submit():
        return error_response(400)
    ended = Session.end_all(g.reviewer.id)
    i18n.clear_session(session)
    log.info(LogEvent.LOGGED_OUT_EVERYWHERE, extra={"sessions": ended})
    return redirect(url_for(".show"), 303)


@pages.cli.command("logout")
@click.argument("email", required=False)
@with_valid_settings
def end_sessions(email: str | None) -> None:
    """End every review session, or those of one reviewer."""
    try:
        ended = Session.end_all(_strapi_id(email) if email else None)
    except StrapiUnavailable as error:
        raise click.ClickException(f"{error}; without EMAIL, everybody is logged out") from error
    click.echo(f"{ended} session{'' if ended == 1 else 's'} ended")


def _end_session() -> None:
    """End the session in the ledger, and keep only the language in the cookie."""
    Session.end(session.get("review", ""))
    i18n.clear_session(session)


def _strapi_id(email: str) -> int:
    found = strapi().read(lambda admin_users: admin_users.by_email(comparable(email)))
    if not found:
        raise click.ClickException(f"no admin user in Strapi has the email {email}")
    return found[0].id


def _page(form: LoginForm, *, ended: bool = False) -> str:
    nobody = not strapi_summary().has_super_admin
    return render_template("review/login.html", form=form, nobody=nobody, ended=ended)
