"""The two databases of the current app: the ledger, and Strapi's."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Flask, current_app

from models.engines import file_from_url, server_from_url
from models.ledger.database import LedgerTooNew, LedgerUnavailable, close, open_ledger
from models.reconcile import Reconciler
from models.strapi import (
    AdminUsers,
    Fingerprint,
    RolePermissions,
    RoleUnusable,
    StrapiClient,
)


@dataclass(frozen=True)
class StrapiSummary:
    """What the health page and the review pages show about Strapi."""

    role_is_usable: bool
    has_super_admin: bool
    permissions: RolePermissions

    @classmethod
    def read(cls, admin_users: AdminUsers) -> "StrapiSummary":
        """Read all of it with one connection. Raises StrapiUnavailable."""
        try:
            admin_users.role_id()
        except RoleUnusable:
            usable = False
        else:
            usable = True
        permissions = admin_users.permissions(current_app.config["ALLOWED_ACTIONS"])
        return cls(usable, bool(admin_users.super_admins()), permissions)


def init_app(app: Flask) -> None:
    """Open the ledger and prepare access to Strapi's database.

    Neither needs to work: `flask check` and the health page say what is wrong, and `serve`
    refuses to start without a ledger.
    """
    zone = ZoneInfo(app.config["STRAPI_TIMEZONE"])
    client = StrapiClient(app.config["STRAPI_DATABASE"], app.config["AUTHOR_ROLE"], zone)
    # At DEBUG, Peewee logs every email and password hash in its queries.
    logging.getLogger("peewee").setLevel("INFO")
    app.extensions["strapi"] = client
    app.extensions["strapi_summary"] = None
    keep_decided = timedelta(days=app.config["KEEP_DAYS"])
    app.extensions["reconciler"] = Reconciler(client, app.config["REVIEWERS"], keep_decided)
    # Without settings, as for `flask demo`, no ledger is created.
    configured = app.config["STRAPI_DATABASE"]
    app.extensions["ledger_fault"] = _open(app.config["LEDGER"]) if configured else None
    app.teardown_appcontext(_close)


def url_fault(url: str) -> str | None:
    """Return what a database URL must look like, or None if it does.

    The URL itself may contain a password, so it is not quoted.
    """
    try:
        _ = server_from_url(url) or file_from_url(url)
    except ValueError as error:
        example = "postgresql://user:password@host/database or mysql://user:password@host/database"
        return f"the path of an SQLite file, or like {example}: {error}"
    return None


def time_zone_fault(name: str) -> str | None:
    """Return what the name of a time zone must look like, or None if there is this zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return f"a time zone like Europe/Berlin, not {name!r}"
    return None


def strapi() -> StrapiClient:
    """Access to Strapi's database."""
    return current_app.extensions["strapi"]


def strapi_summary() -> StrapiSummary:
    """Return the summary, read again only if Strapi's file has changed (P8).

    A server has no fingerprint, so it is asked each time. Raises StrapiUnavailable.
    """
    fingerprint = strapi().fingerprint()
    kept: tuple[Fingerprint | None, StrapiSummary] | None = current_app.extensions["strapi_summary"]
    if kept and fingerprint is not None and kept[0] == fingerprint:
        return kept[1]
    summary = strapi().read(StrapiSummary.read)
    # `stable` is None if the file was written so lately that another write may not show.
    current_app.extensions["strapi_summary"] = (fingerprint and fingerprint.stable, summary)
    return summary


def reconciler() -> Reconciler:
    """The reconciler of the current app's two databases."""
    return current_app.extensions["reconciler"]


def _open(url: str) -> str | None:
    try:
        open_ledger(url)
    except (LedgerTooNew, *LedgerUnavailable) as error:
        return str(error)
    return None


def _close(_: BaseException | None) -> None:
    close()
