"""A MariaDB that starts, dies and comes back when the test wants it to."""

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


class MariaDB(Server):
    """A MariaDB: passwords for everybody, TLS for those who ask for it."""

    name = "mariadb"
    scheme = "mysql"
    at_once, in_order = signal.SIGKILL, signal.SIGTERM

    @classmethod
    def programs(cls) -> dict[str, str | None]:
        """Where its two programs lie: on the PATH, or in the folder that MARIADB names."""
        path = os.environ.get("MARIADB") or f"{os.environ['PATH']}:/usr/sbin"
        return {name: shutil.which(name, path=path) for name in ("mariadbd", "mariadb-install-db")}

    @classmethod
    def missing(cls) -> str:
        advice = "install mariadb-server, or name its folders with MARIADB=/path/sbin:/path/bin"
        return "" if all(cls.programs().values()) else f"no MariaDB: {advice}"

    def create(self, database: str, collation: str = "utf8mb4_bin") -> None:
        # One that is looked at would wait for ever.
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
            # One that ended meanwhile is unknown.
            with contextlib.suppress(pymysql.OperationalError):
                self.run(f"KILL {row['id']}")
        return len(found)

    def run(self, sql: str, database: str | None = None) -> None:
        with self._connected(database) as cursor:
            cursor.execute(sql)
            while cursor.nextset():
                pass

    def do(self, statement: str, *values: object, database: str | None = None) -> None:
        with self._connected(database) as cursor:
            cursor.execute(statement, values)

    def rows(self, query: str, *values: object, database: str | None = None) -> list[Any]:
        with self._connected(database) as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    @contextlib.contextmanager
    def _connected(self, database: str | None = None) -> Iterator[DictCursor]:
        connection = pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user=ADMIN,
            password=ADMIN_PASSWORD,
            database=database,
            charset="utf8mb4",
            autocommit=True,
            client_flag=MULTI_STATEMENTS,
            cursorclass=DictCursor,
        )
        with connection, connection.cursor() as cursor:
            yield cursor

    def _prepare(self) -> None:
        account = f"{ADMIN}@'127.0.0.1'"
        (self.folder / "accounts.sql").write_text(
            # The installation's own have no passwords.
            "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\n"
            "FLUSH PRIVILEGES;\n"
            f"CREATE USER {account} IDENTIFIED BY '{ADMIN_PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION;\n"
        )

    def _install(self) -> None:
        self._once(
            str(self.programs()["mariadb-install-db"]),
            "--no-defaults",
            f"--datadir={self.data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            "--innodb-log-file-size=8M",
            f"--extra-file={self.folder}/accounts.sql",
        )

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
            "--character-set-server=utf8mb4",
            f"--ssl-cert={self.folder}/certificate.pem",
            f"--ssl-key={self.folder}/key.pem",
        ]

    def _answers(self) -> bool:
        with contextlib.suppress(pymysql.OperationalError), self._connected():
            return True
        return False
