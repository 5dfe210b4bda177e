"""Database servers that write their messages in German."""

import subprocess

from tests.support.database_servers.mariadb import MariaDB
from tests.support.database_servers.postgresql import PostgreSQL

LOCALE = "de_DE.utf8"


class GermanPostgreSQL(PostgreSQL):
    """A PostgreSQL."""

    @classmethod
    def missing(cls) -> str:
        known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout
        advice = "install locales, and type localedef -i de_DE -f UTF-8 de_DE.UTF-8"
        return super().missing() or ("" if LOCALE in known.split() else f"no {LOCALE}: {advice}")

    def _command(self) -> list[str]:
        return [*super()._command(), f"--lc_messages={LOCALE}"]


class GermanMariaDB(MariaDB):
    """A MariaDB."""

    def _command(self) -> list[str]:
        return [*super()._command(), "--lc-messages=de_DE"]
