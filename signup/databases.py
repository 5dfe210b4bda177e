"""The two databases of the current app: the ledger, and Strapi's."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Flask, current_app

from models.engines import server_from_url
from models.ledger.database import LedgerTooNew, LedgerUnavailable, close, open_ledger
from models.reconcile import Reconciler
from models.strapi import AdminUsers, StrapiClient

T = TypeVar("T")


def init_app(app: Flask) -> None:
    """Open the ledger and name Strapi's database; either may be out of order, which `complaint`
    and the health page tell, and `serve` refuses to start without a ledger."""
    zone = ZoneInfo(app.config["STRAPI_TIMEZONE"])
    strapi = StrapiClient(app.config["STRAPI_DATABASE"], app.config["AUTHOR_ROLE"], zone)
    # At DEBUG, Peewee would log every address and hash that goes into a query.
    logging.getLogger("peewee").setLevel("INFO")
    app.extensions["strapi"] = strapi
    app.extensions["strapi_answers"] = {}
    keep_decided = timedelta(days=app.config["KEEP_DAYS"])
    app.extensions["reconciler"] = Reconciler(strapi, app.config["REVIEWERS"], keep_decided)
    # Where nothing is configured, as for the sandbox's command, nothing is made either.
    configured = app.config["STRAPI_DATABASE"]
    app.extensions["ledger_fault"] = _open(app.config["LEDGER"]) if configured else None
    app.teardown_appcontext(_close)


def fault(address: str) -> str | None:
    """What an address of a database must be, where it is not; without what it was, which may
    hold a password."""
    try:
        known = server_from_url(address) or "://" not in address.removeprefix("sqlite:///")
    except ValueError:
        known = False
    example = "postgresql://user:password@host/database or mysql://user:password@host/database"
    return None if known else f"the path of an SQLite file, or like {example}"


def zone_fault(name: str) -> str | None:
    """What the name of a time zone must be, where it is not."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return f"a time zone like Europe/Berlin, not {name!r}"
    return None


def strapi() -> StrapiClient:
    """Strapi's administrators."""
    return current_app.extensions["strapi"]


def known(question: Callable[[AdminUsers], T]) -> T:
    """Strapi's answer to a named function, asked again only when its file has changed, because
    that is touched rarely; a server is asked each time. Raises StrapiUnavailable."""
    answers = current_app.extensions["strapi_answers"]
    mark = strapi().fingerprint()
    seen, told = answers.get(question.__qualname__, (None, None))
    if mark is None or seen != mark:
        told = strapi().read(question)
        answers[question.__qualname__] = (mark and mark.stable, told)
    return told


def reconciler() -> Reconciler:
    """What brings the ledger in line with Strapi."""
    return current_app.extensions["reconciler"]


def _open(path: str) -> str | None:
    try:
        open_ledger(path)
    except (LedgerTooNew, *LedgerUnavailable) as error:
        return str(error)
    return None


def _close(_: BaseException | None) -> None:
    close()
