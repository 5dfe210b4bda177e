"""The page behind "this wasn't me": never write to this mailbox again."""

import logging

from flask import render_template
from flask.typing import ResponseReturnValue

from models.log_events import LogEvent
from models.mail.suppressions import Suppression
from models.signups import decide, disputes
from models.signups.signup import Signup, State
from signup import i18n, links
from signup.databases import strapi
from signup.forms import ButtonForm
from signup.public.form import author
from signup.public.link import pages, read_link

log = logging.getLogger(__name__)


@pages.get("/stop/<token>")
def stop(token: str) -> ResponseReturnValue:
    """Ask whether this mailbox should never get an email from us again ("this wasn't me")."""
    link, signup = _open_stop(token)
    if link.age > links.STOP_LIFE:
        return render_template("signup/stop_expired.html"), 410
    email = _mailbox_of(signup)
    # Up to version 0.3, "this wasn't me" did nothing about an active account.
    if _is_stopped(link, signup) and not disputes.is_disputable(email):
        return _stopped_page(email)
    return _stop_form(ButtonForm(), email)


@pages.post("/stop/<token>")
def never_again(token: str) -> ResponseReturnValue:
    """Suppress all emails to this mailbox from now on."""
    link, signup = _open_stop(token)
    if link.age > links.STOP_LIFE:
        return render_template("signup/stop_expired.html"), 410
    form, email = ButtonForm(), _mailbox_of(signup)
    if not form.validate_on_submit():
        return _stop_form(form, email), form.status
    if email:
        decide.stop(email, links.signing_keys(), author(), strapi())
    elif isinstance(link.detail, str):
        Suppression.add_digest(link.detail)
    log.info(LogEvent.EMAIL_SUPPRESSED, extra={"signup": signup.id if signup else None})
    if signup and disputes.is_disputed(email):
        log.warning(LogEvent.ACCOUNT_DISPUTED, extra={"signup": signup.id})
    return _stopped_page(email)


def _mailbox_of(signup: Signup | None) -> str:
    """Return the email that the link was sent to, whatever email the account has now."""
    return (signup and signup.proven_email) or ""


def _stop_form(form: ButtonForm, email: str) -> str:
    active = disputes.is_disputable(email)
    return render_template("signup/stop.html", form=form, active=active)


def _stopped_page(email: str) -> str:
    page = "disputed" if disputes.is_disputed(email) else "stopped"
    return render_template(f"signup/{page}.html")


def _open_stop(token: str) -> tuple[links.Link, Signup | None]:
    """Return a stop link and its signup. The link works longer than we keep an unconfirmed one."""
    link = read_link(links.STOP, token)
    signup = Signup.by_key(link.key)
    # Up to version 0.3, the link did not name the mailbox.
    if signup is None and not isinstance(link.detail, str):
        raise links.InvalidLink
    i18n.prefer_language(signup.language if signup else None)
    return link, signup


def _is_stopped(link: links.Link, signup: Signup | None) -> bool:
    if Suppression.covers(_mailbox_of(signup), links.signing_keys()):
        return True
    if isinstance(link.detail, str):
        return Suppression.has_any([link.detail])
    return signup is not None and signup.state == State.STOPPED
