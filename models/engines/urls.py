"""Where a database is: the path of a file, or a URL like postgresql://user:password@host/name."""

import re
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

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
# A host, or several, each with an optional port. An IPv6 address has brackets.
HOST = re.compile(r"(\[[^\[\]]+\]|[^:\[\]]*)(?::(\d*))?", re.ASCII)
HIGHEST_PORT = 65535
# Options that are text even if they look like a number.
TEXTS = ("user", "password", "passwd", "database", "host")
# Options of Peewee's pool.
NUMBERS = ("max_connections", "stale_timeout", "timeout", "port")
# Options of Peewee and psycopg that this service sets, or that are no text.
PYTHON_OPTIONS = {"autocommit", "prepare_threshold", "row_factory", "cursor_factory", "context"}
# What a URL or a mistyped one has, and the path of a file has not.
LIKE_A_URL = re.compile(r"[^/]*:|[^/].*//.*@")

SCHEMES = (
    "the scheme is none of postgresql://, mysql:// and mariadb:// (without +driver) and"
    " sqlite:///; the path of a file whose first folder has a colon begins with ./"
)
SLASHES = (
    "an SQLite URL has three slashes, and four before an absolute path: sqlite:////srv/data.db"
)
QUOTING = "a user or password must have / # ? @ written as %2F %23 %3F %40"
NO_DATABASE = "no database is named, as in postgresql://user:password@host/database"
DATABASE_SLASH = "a / in the name of a database must be written as %2F"
PORT = "a port is a number from 1 to 65535, and an IPv6 address has brackets, as in [::1]:5432"
ONE_HOST = "the driver of MySQL and MariaDB takes one host"
OPTION = "an option is unknown or has a wrong value"


def file_from_url(url: str) -> Path | None:
    """Return the SQLite file that a path or URL names, None if it names a server.

    Raises ValueError, without a part of the URL, for a URL that this service does not know.
    """
    if _server_class(url):
        return None
    scheme, colon, path = url.partition("://")
    if colon and scheme.lower() == "sqlite":
        if not path.startswith("/") or "?" in path or path in ("/", "/:memory:"):
            raise ValueError(SLASHES)
        return Path(path[1:]).absolute()
    if url.lower().startswith("sqlite:"):
        raise ValueError(SLASHES)
    if LIKE_A_URL.match(url):
        raise ValueError(SCHEMES)
    return Path(url).absolute()


def server_from_url(url: str, zone: tzinfo = UTC) -> Engine | None:
    """Return the server's database that a URL names, None if it names a file.

    It is not connected yet. Its timestamps are in the local time of `zone`. The options of the
    URL are those of its driver.

    Raises ValueError, without a part of the URL, where one is missing, wrong or not quoted.
    """
    engine_class = _server_class(url)
    if engine_class is None:
        return None
    options = _parse(url)
    if engine_class is MySQL:
        _adapt_to_mysql(options)
    try:
        engine = engine_class(**options)
    except TypeError:
        # Its text may quote a value.
        raise ValueError(OPTION) from None
    engine.timestamp_field = partial(TimestampField, zone)
    return engine


def without_credentials(url: str) -> str:
    """Return the path, or the URL without its user, password and options, to be shown."""
    if not _server_class(url):
        return url
    scheme, _, rest = url.partition("://")
    # The last @ counts: a password may hold a slash that should have been quoted.
    return f"{scheme}://{rest.partition('?')[0].partition('#')[0].rpartition('@')[2]}"


def _server_class(url: str) -> type[Engine] | None:
    scheme, colon, _ = url.partition("://")
    return SERVERS.get(scheme.lower()) if colon else None


def _parse(url: str) -> dict[str, Any]:
    """Return the options of the driver that a URL names."""
    where, _, query = url.partition("://")[2].partition("?")
    place, _, database = where.partition("/")
    # An unquoted sign in the password moves the rest of it, and the @, to the right.
    if "#" in url or "@" in database or ("@" in query and not database):
        raise ValueError(QUOTING)
    if "/" in database:
        raise ValueError(DATABASE_SLASH)
    account, _, hosts = place.rpartition("@")
    user, _, password = account.partition(":")
    named = {"user": unquote(user), "password": unquote(password), **_hosts(hosts)}
    options = {name: value for name, value in named.items() if value}
    options |= {"database": unquote(database)} if database else {}
    options |= {name: _value(name, value) for name, value in parse_qsl(query, True)}
    if PYTHON_OPTIONS & options.keys():
        raise ValueError(OPTION)
    if not options.get("database"):
        raise ValueError(NO_DATABASE)
    if "passwd" in options:
        options["password"] = options.pop("passwd")
    return options


def _hosts(hosts: str) -> dict[str, Any]:
    """Return host and port. Of several, each is a list with commas, as libpq takes it."""
    found = [HOST.fullmatch(each) for each in hosts.split(",")]
    names = [unquote(each[1].strip("[]")) for each in found if each]
    ports = [each[2] or "" for each in found if each]
    if None in found or any(port and not 0 < int(port) <= HIGHEST_PORT for port in ports):
        raise ValueError(PORT)
    if not any(ports):
        return {"host": ",".join(names)}
    port: int | str = int(ports[0]) if len(ports) == 1 else ",".join(ports)
    return {"host": ",".join(names), "port": port}


def _value(name: str, text: str) -> Any:
    """Return an option's text as a truth value or a number where it is one."""
    if name in TEXTS:
        return text
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"\d+", text, re.ASCII):
        return int(text)
    if name in NUMBERS:
        raise ValueError(PORT if name == "port" else OPTION)
    return text


def _adapt_to_mysql(options: dict[str, Any]) -> None:
    """Use the option for a socket where the host is the path of one. Raises ValueError."""
    host = options.get("host", "")
    if host.startswith("/"):
        options["unix_socket"] = options.pop("host")
    elif "," in host:
        raise ValueError(ONE_HOST)
