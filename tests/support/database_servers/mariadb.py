"""MariaDB for the tests."""

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pymysql
from pymysql.constants.CLIENT import MULTI_STATEMENTS
from pymysql.cursors import DictCursor

from tests.support.database_servers.server import ADMIN, ADMIN_PASSWORD, Server

# "name" is a column, as in SQLite and PostgreSQL.
SQL_MODE = "ANSI_QUOTES,STRICT_TRANS_TABLES"


class MariaDB(Server):
    """A MariaDB that asks everybody for a password and offers TLS."""

    name = "mariadb"
    scheme = "mysql"
    stop_signal, abort_signal = signal.SIGTERM, signal.SIGKILL
    unavailable = pymysql.OperationalError

    @classmethod
    def programs(cls) -> dict[str, str | None]:
        """The paths of its two programs, on the PATH or in the folders that MARIADB names."""
        path = os.environ.get("MARIADB") or f"{os.environ['PATH']}:/usr/sbin"
        return {name: shutil.which(name, path=path) for name in ("mariadbd", "mariadb-install-db")}

    @classmethod
    def missing(cls) -> str:
        advice = "install mariadb-server, or name its folders with MARIADB=/path/sbin:/path/bin"
        return "" if all(cls.programs().values()) else f"no MariaDB: {advice}"

    def create(self, database: str, collation: str = "utf8mb4_bin") -> None:
        # DROP DATABASE waits for every open transaction.
        self.cut_connections(database)
        self.run(
            f"DROP DATABASE IF EXISTS `{database}`;"
            f" CREATE DATABASE `{database}` CHARACTER SET utf8mb4 COLLATE {collation}"
        )

    def user(self, name: str, password: str) -> None:
        account = f"'{name}'@'127.0.0.1' IDENTIFIED BY '{password}'"
        self.run(f"CREATE USER IF NOT EXISTS {account}; ALTER USER {account}")

    def give(self, database: str, user: str) -> None:
        self.run(f"GRANT ALL ON `{database}`.* TO '{user}'@'127.0.0.1'")

    def cut_connections(self, database: str) -> int:
        query = "SELECT id FROM information_schema.processlist WHERE db = %s"
        found = self.rows(query, database)
        for row in found:
            with contextlib.suppress(pymysql.OperationalError):  # it ended in the meantime
                self.run(f"KILL {row['id']}")
        return len(found)

    def connect(self, database: str | None = None, **options: Any) -> Any:
        account = {"user": ADMIN, "password": ADMIN_PASSWORD, "charset": "utf8mb4"}
        where = {"host": "127.0.0.1", "port": self.port, "database": database}
        # TLS would cost 40 ms for each connection.
        return pymysql.connect(**where, **account, ssl_disabled=True, **options)

    @contextlib.contextmanager
    def _cursor(self, database: str | None) -> Iterator[Any]:
        options = {"client_flag": MULTI_STATEMENTS, "cursorclass": DictCursor, "sql_mode": SQL_MODE}
        with self.connect(database, autocommit=True, **options) as connection:
            yield connection.cursor()

    def _accounts(self) -> str:
        account = f"{ADMIN}@'127.0.0.1'"
        return (
            # The accounts of the installation have no passwords.
            "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\n"
            "FLUSH PRIVILEGES;\n"
            f"CREATE USER {account} IDENTIFIED BY '{ADMIN_PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION;\n"
        )

    def _installation(self) -> list[str]:
        return [
            str(self.programs()["mariadb-install-db"]),
            "--no-defaults",
            f"--datadir={self.data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            f"--tmpdir={self.folder}",
            "--skip-name-resolve",
            "--innodb-log-file-size=8M",
            f"--extra-file={self.folder}/accounts",
        ]

    def _command(self) -> list[str]:
        return [
            str(self.programs()["mariadbd"]),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--socket={self.folder}/socket",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--max-connections=200",
            "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=8M",
            # The tests kill the server, never the machine.
            "--innodb-flush-log-at-trx-commit=2",
            "--character-set-server=utf8mb4",
            f"--ssl-cert={self.certificate}",
            f"--ssl-key={self.certificate}",
        ]
