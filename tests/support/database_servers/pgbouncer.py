"""A PgBouncer in front of a PostgreSQL of the tests."""

import shutil
import signal

from tests.support.database_servers.postgresql import PostgreSQL
from tests.support.database_servers.server import ADMIN, ADMIN_PASSWORD, Server


class PgBouncer(PostgreSQL):
    """A pooler of which the tests choose the settings; see pgbouncer(5)."""

    name = "pgbouncer"
    stop_signal, abort_signal = signal.SIGTERM, signal.SIGTERM

    def __init__(self, server: Server, **settings: object) -> None:
        super().__init__()
        self._server = server
        self._settings = settings

    @classmethod
    def missing(cls) -> str:
        found = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
        return "" if found else "no PgBouncer: install pgbouncer"

    def _set_up(self) -> None:
        self.data.mkdir()
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": self.folder / "users",
            "max_client_conn": 500,
            **self._settings,
        }
        lines = [
            "[databases]",
            f"* = host=127.0.0.1 port={self._server.port}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in settings.items()),
        ]
        (self.folder / "pgbouncer.ini").write_text("\n".join(lines))
        (self.folder / "users").write_text(f'"{ADMIN}" "{ADMIN_PASSWORD}"\n')
        self._hand_over()

    def _command(self) -> list[str]:
        return ["/usr/sbin/pgbouncer", str(self.folder / "pgbouncer.ini")]
