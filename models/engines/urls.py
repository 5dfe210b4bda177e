"""Addresses: where a database is, as a path or as a URL."""

from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playhouse.db_url import parse

from models.engines.engine import Engine
from models.engines.mysql import MySQL
from models.engines.postgresql import PostgreSQL
from models.timestamps import TimestampField

SERVERS: dict[str, type[Engine]] = {
    "postgresql": PostgreSQL,
    "postgres": PostgreSQL,
    "mysql": MySQL,
    "mariadb": MySQL,
}


def file_from_url(address: str) -> Path | None:
    """The SQLite file that `address` names; None where it names a server."""
    if urlsplit(address).scheme in SERVERS:
        return None
    return Path(address.removeprefix("sqlite:///")).absolute()


def server_from_url(address: str, zone: tzinfo = UTC) -> Engine | None:
    """The database of a server that `address` names, its options as its driver knows them, its
    timestamps in the local time of `zone`, not connected to yet; None where it names a file.
    Raises ValueError."""
    kind = SERVERS.get(urlsplit(address).scheme)
    if kind is None:
        return None
    parts = _parts_of(address)
    if not parts["database"]:
        raise ValueError("no database is named, as in postgresql://user:password@host/database")
    if "passwd" in parts:
        parts["password"] = parts.pop("passwd")
    engine = kind(**parts)
    engine.timestamp_field = partial(TimestampField, zone)
    return engine


def without_credentials(address: str) -> str:
    """The address without its user, password and options, for people to read."""
    if file_from_url(address) is not None:
        return address
    scheme, _, rest = address.partition("://")
    # Whoever forgot to quote a slash has the password where a path belongs.
    return f"{scheme}://{rest.partition('?')[0].partition('#')[0].rpartition('@')[2]}"


def _parts_of(address: str) -> dict[str, Any]:
    try:
        parts: dict[str, Any] = parse(address, unquote_password=True, unquote_user=True)
    except ValueError:
        parts = {"database": "@"}
    # A slash ends what names the host: what follows may be the rest of a password.
    if "@" in parts["database"]:
        raise ValueError("a user or password must have / # ? @ written as %2F %23 %3F %40")
    return parts
