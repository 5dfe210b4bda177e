"""The door: nobody gets in but Strapi's active super admins, with their own credentials."""

import logging

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from models.history import Actor
from models.instant import milliseconds, now
from models.sessions import Session, authenticate
from models.strapi import Administrators, StrapiUnavailable
from signup import limits
from signup.databases import known, strapi
from signup.errors import answer
from signup.forms import ButtonForm, LoginForm

log = logging.getLogger(__name__)
door = Blueprint("door", __name__, url_prefix="/review")

# Milliseconds without a request after which a reviewer logs in afresh.
IDLE = 30 * 60 * 1000


def guarded(name: str) -> Blueprint:
    """A blueprint behind the door."""
    pages = Blueprint(name, name, url_prefix="/review")
    pages.before_request(guard)
    pages.register_error_handler(StrapiUnavailable, unavailable)
    return pages


def guard() -> ResponseReturnValue | None:
    """Let nobody in but an active super admin, whose rights are read afresh each time."""
    idle = milliseconds(now()) - session.get("seen", 0) > IDLE
    g.reviewer = None if idle else Session.reviewer(session.get("review", ""), strapi())
    if g.reviewer is None:
        return redirect(url_for("door.login", ended=request.method == "POST" or None), 303)
    session["seen"] = milliseconds(now())
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
@limits.logins
@limits.logins_to_account
def enter() -> ResponseReturnValue:
    """Begin a session for a super admin; the same answer for every other attempt."""
    form = LoginForm()
    if not form.validate_on_submit():
        return _page(form), form.status
    admin = authenticate(strapi(), form.email.data or "", form.password.data or "")
    if admin is None:
        log.info("login refused", extra={"account": form.email.data})
        form.form_errors.append("That is not the address and password of a super admin.")
        return _page(form), 422
    session.clear()
    session.update(review=Session.begin(admin), seen=milliseconds(now()))
    log.info("logged in", extra={"account": admin.email})
    return redirect(url_for("desk.queue"), 303)


@door.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session, for every copy of its cookie."""
    if not ButtonForm().validate_on_submit():
        return answer(400)
    Session.end(session.get("review", ""))
    session.clear()
    return redirect(url_for(".login"), 303)


def _page(form: LoginForm) -> str:
    nobody = not known(Administrators.super_admins)
    return render_template("review/login.html", form=form, nobody=nobody)
