"""Ways to reach a server: sockets, several hosts, TLS, passwords beyond ASCII."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from models.engines import server_from_url
from tests.conftest import running
from tests.servers.conftest import USER, Check, on_mariadb, on_postgresql
from tests.support.database_servers import ADMIN, ADMIN_PASSWORD, PostgreSQL, Server
from tests.support.network import free_port

FOREIGN_PASSWORD = "Pässwörd€ßЖ1"
ACCOUNT = f"{ADMIN}:{ADMIN_PASSWORD}"


def test_a_password_beyond_ascii(server: Server, check: Check) -> None:
    server.user("foreign", FOREIGN_PASSWORD)
    server.create("ledger")
    server.give("ledger", "foreign")
    output = check(LEDGER=server.url("ledger", "foreign", FOREIGN_PASSWORD))
    assert "WRONG" not in output
    wrong = check(LEDGER=server.url("ledger", "foreign", "€" + FOREIGN_PASSWORD))
    assert "refuses this user or password" in wrong


@pytest.fixture
def socket_server() -> Iterator[Server]:
    """A PostgreSQL that listens at a socket as well."""

    class AtSocket(PostgreSQL):
        def _command(self) -> list[str]:
            return [*super()._command(), f"--unix_socket_directories={self.folder}"]

    yield from running(AtSocket)


def test_the_folder_of_a_socket_of_postgresql(socket_server: Server) -> None:
    for url in (
        f"postgresql://{ACCOUNT}@{{}}:{socket_server.port}/postgres",
        f"postgresql://{ACCOUNT}@/postgres?host={{}}&port={socket_server.port}",
    ):
        engine: Any = server_from_url(url.format(quote(str(socket_server.folder), safe="")))
        assert engine.get_tables() == []
        engine.close()
        engine.close_idle()


@on_mariadb
def test_the_path_of_a_socket_of_mysql(server: Server, check: Check, tmp_path: Path) -> None:
    server.run(f"CREATE OR REPLACE USER {ADMIN}@localhost IDENTIFIED BY '{ADMIN_PASSWORD}'")
    server.run(f"GRANT ALL ON *.* TO {ADMIN}@localhost")
    socket, missing = server.folder / "socket", tmp_path / "missing"

    for form in ("mysql://{}@{}/strapi", "mysql://{}@/strapi?unix_socket={}"):
        found, lost = (form.format(ACCOUNT, quote(str(p), safe="")) for p in (socket, missing))
        assert "WRONG" not in check(STRAPI_DATABASE=found)
        assert f"does not answer at the socket {missing}" in check(STRAPI_DATABASE=lost)


@on_postgresql
def test_the_first_of_several_hosts_that_answers(server: Server, check: Check) -> None:
    url = server.url("strapi").replace("@127", f"@127.0.0.1:{free_port()},127")
    assert "WRONG" not in check(STRAPI_DATABASE=url)
    assert "WRONG" not in check(STRAPI_DATABASE=f"{url}?target_session_attrs=read-write")


def test_the_name_of_a_database_may_need_quotes(server: Server, check: Check) -> None:
    server.create("my ledger/ü")
    assert "WRONG" not in check(LEDGER=server.url("my%20ledger%2F%C3%BC"))


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        ("ssl=true", "has a certificate that is not trusted: name its authority with"),
        ("ssl=false", None),
        ("ssl_ca={ca}", None),
        ("ssl_ca={ca}&ssl_verify_identity=false", None),
        ("ssl_ca=/nowhere", "cannot be checked: the file that ssl_ca names is not there"),
        ("ssl_ca={text}", "cannot be checked: the file that ssl_ca names holds no certificate"),
        ("ssl_ca=/", "cannot be"),
        ("ssl_mode=REQUIRED", "its URL has an unknown option"),
        ("connect_timeout=soon", "an option of its URL has a wrong value"),
        ("cursorclass=x", "cannot be reached: an option of its URL has a wrong value"),
    ],
)
@on_mariadb
def test_options_of_mysql(
    server: Server, check: Check, tmp_path: Path, option: str, advice: str | None
) -> None:
    (tmp_path / "text").write_text("no certificate")
    option = option.format(ca=server.ca, text=tmp_path / "text")
    output = check(STRAPI_DATABASE=f"{server.url('strapi')}?{option}")
    assert (advice or "writable") in output
    assert ("WRONG" in output) == bool(advice)


@on_mariadb
def test_a_certificate_for_another_host_name(server: Server, check: Check) -> None:
    # Another name of 127.0.0.1, for which the certificate is not.
    url = f"{server.url('strapi')}?ssl_ca={server.ca}".replace("@127.0.0.1", "@127.1")
    assert "has a certificate for another host name: write that name" in check(STRAPI_DATABASE=url)
    assert "WRONG" not in check(STRAPI_DATABASE=f"{url}&ssl_verify_identity=false")


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        ("sslmode=maybe", "an option of its URL has a wrong value"),
        ("connect_timeout=soon", "an option of its URL has a wrong value"),
        ("tls=true", "its URL has an unknown option"),
    ],
)
@on_postgresql
def test_options_of_postgresql(
    server: Server, check: Check, option: str, advice: str | None
) -> None:
    output = check(STRAPI_DATABASE=f"{server.url('strapi')}?{option}")
    assert (advice or "writable") in output
    assert ("WRONG" in output) == bool(advice)


@on_mariadb
def test_accounts_that_cannot_log_in(server: Server, check: Check) -> None:
    server.run(f"CREATE OR REPLACE USER {USER}@'127.0.0.1' IDENTIFIED BY 'x' ACCOUNT LOCK")
    assert "has locked this user's account" in check(LEDGER=server.url("strapi", USER, "x"))
    server.give("strapi", USER)
    server.run(f"ALTER USER {USER}@'127.0.0.1' ACCOUNT UNLOCK PASSWORD EXPIRE")
    assert "wants a new password" in check(LEDGER=server.url("strapi", USER, "x"))
    server.run(f"DROP USER {USER}@'127.0.0.1'")
