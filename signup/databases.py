"""The two databases of the current app: the ledger, and Strapi's."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Flask, current_app

from models import ledger
from models.engines import server_of
from models.settling import Settler
from models.strapi import Administrators, Strapi

T = TypeVar("T")


def init_app(app: Flask) -> None:
    """Open the ledger and name Strapi's database; either may be out of order, which `complaint`
    and the health page tell, and `serve` refuses to start without a ledger."""
    zone = ZoneInfo(app.config["STRAPI_TIMEZONE"])
    strapi = Strapi(app.config["STRAPI_DATABASE"], app.config["AUTHOR_ROLE"], zone)
    # At DEBUG, Peewee would log every address and hash that goes into a query.
    logging.getLogger("peewee").setLevel("INFO")
    app.extensions["strapi"] = strapi
    app.extensions["strapi_answers"] = {}
    keep_decided = timedelta(days=app.config["KEEP_DAYS"])
    app.extensions["settler"] = Settler(strapi, app.config["REVIEWERS"], keep_decided)
    # Where nothing is configured, as for the sandbox's command, nothing is made either.
    configured = app.config["STRAPI_DATABASE"]
    app.extensions["ledger_complaint"] = _open(app.config["LEDGER"]) if configured else None
    app.teardown_appcontext(_close)


def complaint(address: str) -> str | None:
    """What an address of a database must be, where it is not; without what it was, which may
    hold a password."""
    try:
        known = server_of(address) or "://" not in address.removeprefix("sqlite:///")
    except ValueError:
        known = False
    example = "postgresql://user:password@host/database or mysql://user:password@host/database"
    return None if known else f"the path of an SQLite file, or like {example}"


def zone_complaint(name: str) -> str | None:
    """What the name of a time zone must be, where it is not."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return f"a time zone like Europe/Berlin, not {name!r}"
    return None


def strapi() -> Strapi:
    """Strapi's administrators."""
    return current_app.extensions["strapi"]


def known(question: Callable[[Administrators], T]) -> T:
    """Strapi's answer to a named function, asked again only when its file has changed, because
    that is touched rarely; a server is asked each time. Raises StrapiUnavailable."""
    answers = current_app.extensions["strapi_answers"]
    mark = strapi().mark()
    seen, told = answers.get(question.__qualname__, (None, None))
    if mark is None or seen != mark:
        told = strapi().read(question)
        answers[question.__qualname__] = (mark and mark.lasting, told)
    return told


def settler() -> Settler:
    """What brings the ledger in line with Strapi."""
    return current_app.extensions["settler"]


def _open(path: str) -> str | None:
    try:
        ledger.use(path)
    except (ledger.LedgerTooNew, *ledger.LedgerUnavailable) as error:
        return str(error)
    return None


def _close(_: BaseException | None) -> None:
    ledger.close()
