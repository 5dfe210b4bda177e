"""Where a database is: the path of a file, or a URL like postgresql://user:password@host/name."""

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


def file_from_url(url: str) -> Path | None:
    """Return the SQLite file that a path or URL names, None if it names a server."""
    if urlsplit(url).scheme in SERVERS:
        return None
    return Path(url.removeprefix("sqlite:///")).absolute()


def server_from_url(url: str, zone: tzinfo = UTC) -> Engine | None:
    """Return the server's database that a URL names, None if it names a file.

    It is not connected yet. Its timestamps are in the local time of `zone`. The options of the
    URL are those of its driver.

    Raises ValueError where a part of the URL is missing or not quoted.
    """
    engine_class = SERVERS.get(urlsplit(url).scheme)
    if engine_class is None:
        return None
    options = _parse(url)
    if not options["database"]:
        raise ValueError("no database is named, as in postgresql://user:password@host/database")
    if "passwd" in options:
        options["password"] = options.pop("passwd")
    engine = engine_class(**options)
    engine.timestamp_field = partial(TimestampField, zone)
    return engine


def without_credentials(url: str) -> str:
    """Return the path, or the URL without its user, password and options, to be shown."""
    if file_from_url(url) is not None:
        return url
    scheme, _, rest = url.partition("://")
    # The last @ counts: a password may hold a slash that should have been quoted.
    return f"{scheme}://{rest.partition('?')[0].partition('#')[0].rpartition('@')[2]}"


def _parse(url: str) -> dict[str, Any]:
    try:
        options: dict[str, Any] = parse(url, unquote_password=True, unquote_user=True)
    except ValueError:
        options = {"database": "@"}
    # An unquoted slash in the password moves the rest of it, and the @, into the path.
    if "@" in options["database"]:
        raise ValueError("a user or password must have / # ? @ written as %2F %23 %3F %40")
    return options
