"""Strapi's database and its roles, as `flask check` tests them."""

import os
from collections.abc import Iterator
from contextlib import suppress

from flask import current_app

from models.engines import file_from_url, without_credentials
from models.password_hashing import BCRYPT_HASH
from models.strapi import (
    AdminUsers,
    Author,
    Identity,
    StrapiUnavailable,
    incomplete_encodings,
    new_document_id,
)
from models.timestamps import as_stored, now
from signup.cli.check.finding import Finding
from signup.databases import strapi

WRITING_ADVICE = (
    "its members meet an empty panel: let it create some kind of content, in Strapi's panel under"
    " Settings, Roles"
)
NO_LOGIN_ADVICE = (
    "no active super admin has a password in Strapi, as with single sign-on: nobody can log in to"
    " /review or the API; set a password in Strapi's panel, or decide there or with flask activate"
)


def findings() -> Iterator[Finding]:
    """Test whether an author can be written, and what Strapi lets authors and super admins do."""
    url = current_app.config["STRAPI_DATABASE"]
    fault = _database_fault()
    path = file_from_url(url)
    if fault is None and path and not os.access(path.parent, os.W_OK):
        fault = f"let the service's user write the folder {path.parent}, for SQLite's journal"
    what = f"Strapi's database {without_credentials(url)}: schema, role, writable"
    yield Finding(what, fault)
    if fault is None:
        yield from _encodings()
        yield from _role()


def _database_fault() -> str | None:
    try:
        # Reading first gives the clearer message about what is missing.
        fault = strapi().read(_admin_user_fault)
        if fault is None:
            strapi().dry_run(_test_author())
    except StrapiUnavailable as error:
        fault = str(error)
    return fault


def _admin_user_fault(admin_users: AdminUsers) -> str | None:
    admin_users.role_id()
    if not admin_users.any_exist():
        return "Strapi has no admin user yet: open its panel and register the first one"
    if not admin_users.super_admins():
        return "Strapi has no active super admin: nobody can decide about signups"
    return None


def _test_author() -> Author:
    created_at = as_stored(now(), strapi().zone)
    identity = Identity("nobody@author-signup.invalid", None, new_document_id(), created_at)
    # As long as a bcrypt hash.
    return Author(identity, "Nobody", None, "*" * 60)


def _encodings() -> Iterator[Finding]:
    with suppress(StrapiUnavailable):
        found = strapi().read(lambda admin_users: incomplete_encodings(admin_users.schema))
        columns = " and ".join(f"{name} ({encoding})" for name, encoding in found.items())
        fault = f"it cannot in {columns}: {strapi().connection.engine.ENCODING_ADVICE}"
        yield Finding("Strapi's database can hold every name", fault if found else None, True)


def _role() -> Iterator[Finding]:
    """Yield what Strapi allows authors and super admins, as far as an operator may want to know."""
    what = "the authors' role is for authors"
    accepted = current_app.config["ALLOWED_ACTIONS"]
    try:
        allowed, super_admins = strapi().read(
            lambda admin_users: (admin_users.permissions(accepted), admin_users.super_admins())
        )
    except StrapiUnavailable as error:
        yield Finding(what, str(error))
        return
    yield Finding(what, _risk(allowed.risky), is_warning=True)
    writes = allowed.include_writing or not allowed.known
    yield Finding("the authors' role can write", None if writes else WRITING_ADVICE, True)
    can_log_in = any(BCRYPT_HASH.fullmatch(admin.password or "") for admin in super_admins)
    yield Finding("a super admin can log in", None if can_log_in else NO_LOGIN_ADVICE, True)


def _risk(actions: list[str]) -> str | None:
    if not actions:
        return None
    return (
        f"it may do more than write: {', '.join(actions)}; take that from the role in Strapi's"
        " panel, or name another one in SIGNUP_AUTHOR_ROLE; if you know that an action is no"
        f" danger: SIGNUP_ALLOWED_ACTIONS='{actions[0]}'"
    )
