"""PostgreSQL and MariaDB for the tests, on 127.0.0.1, without root's rights."""

from tests.support.database_servers.german import GermanMariaDB, GermanPostgreSQL
from tests.support.database_servers.mariadb import MariaDB
from tests.support.database_servers.pgbouncer import PgBouncer
from tests.support.database_servers.postgresql import PostgreSQL
from tests.support.database_servers.server import ADMIN, ADMIN_PASSWORD, Server

__all__ = [
    "ADMIN",
    "ADMIN_PASSWORD",
    "GermanMariaDB",
    "GermanPostgreSQL",
    "MariaDB",
    "PgBouncer",
    "PostgreSQL",
    "Server",
]
