"""What `flask check` says of databases on servers: what is wrong, and what to do, in words that
give no user and no password away."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.conftest import every_engine, running
from tests.support.database_servers import ADMIN_PASSWORD, MariaDB, PostgreSQL, Server
from tests.support.paths import ROOT
from tests.support.service import MailServer, Service, StrapiFile, free_port
from tests.support.strapi_on_server import StrapiOnServer
from tests.web.test_commands import run

# Nobody else's words: wherever they are found, they were given away.
STRANGER, STRANGERS_PASSWORD = "strangername", "Str4ngers/pass?word@"
LOOSE = "utf8mb4_general_ci"

on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)
on_mariadb = pytest.mark.parametrize("server", ["mariadb"], indirect=True)

Checked = Callable[..., str]


@pytest.fixture
def checked(
    server: Server, tmp_path: Path, mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> Iterator[Checked]:
    """What `flask check` says, where all but what is given is as it should be."""
    strapi = StrapiOnServer.on(server, "strapi")
    services = []

    def checked(**settings: object) -> str:
        ledger = tmp_path / "ledger.db"
        services.append(Service(strapi, mail_server, ledger, settings, StrapiFile(ledger)))
        said = run(services[-1], "check").output
        for secret in (STRANGER, STRANGERS_PASSWORD, ADMIN_PASSWORD):
            assert secret not in said + caplog.text
        return " ".join(said.split())

    yield checked
    for service in services:
        service.end()


@pytest.fixture
def plain(server: Server) -> Iterator[Server]:
    """A server of the same engine that has no certificate."""

    class Plain(type(server)):  # type: ignore[misc]
        def _command(self) -> list[str]:
            return [word for word in super()._command() if not word.startswith("--ssl")]

    yield from running(Plain)


def trust(server: Server, authority: Path) -> dict[str, str]:
    """The options of an address that trust nobody but those whom this authority signed."""
    if server.scheme == "postgresql":
        return {"sslmode": "verify-full", "sslrootcert": str(authority)}
    return {"ssl_ca": str(authority)}


@contextmanager
def demanding_tls(server: Server) -> Iterator[None]:
    """Let the server refuse this stranger without TLS."""
    if isinstance(server, MariaDB):
        server.run(f"ALTER USER {STRANGER}@'127.0.0.1' REQUIRE SSL")
        yield
        server.run(f"ALTER USER {STRANGER}@'127.0.0.1' REQUIRE NONE")
        return
    rules = server.data / "pg_hba.conf"
    kept = rules.read_text()
    rules.write_text(f"hostnossl all {STRANGER} 127.0.0.1/32 reject\n{kept}")
    server.run("SELECT pg_reload_conf()")
    yield
    rules.write_text(kept)
    server.run("SELECT pg_reload_conf()")


@every_engine
def test_nothing_is_wrong_where_nothing_is(service: Service) -> None:
    result = run(service, "check")

    assert result.exit_code == 0, result.output
    assert result.output.count("ok  ") == 7
    assert len(service.strapi.admins()) == 1


def test_a_wrong_password(server: Server, checked: Checked) -> None:
    server.user(STRANGER, "Right1password")
    for setting in ("STRAPI_DATABASE", "LEDGER"):
        said = checked(**{setting: server.url("strapi", STRANGER, STRANGERS_PASSWORD)})
        assert "refuses this user or password" in said


def test_no_such_database(server: Server, checked: Checked) -> None:
    for setting in ("STRAPI_DATABASE", "LEDGER"):
        said = checked(**{setting: server.url("nowhere")})
        assert "has no such database: create it, or correct the address" in said


def test_a_database_that_this_user_may_not_enter(server: Server, checked: Checked) -> None:
    server.user(STRANGER, STRANGERS_PASSWORD)
    if isinstance(server, PostgreSQL):
        server.run("REVOKE CONNECT ON DATABASE strapi FROM PUBLIC")

    said = checked(STRAPI_DATABASE=server.url("strapi", STRANGER, STRANGERS_PASSWORD))

    if isinstance(server, PostgreSQL):
        server.run("GRANT CONNECT ON DATABASE strapi TO PUBLIC")
    assert "lets this user not into this database: see docs/databases.md" in said


def test_a_database_that_is_not_strapis(server: Server, checked: Checked) -> None:
    server.create("shop")
    server.run("CREATE TABLE goods (name varchar(20))", "shop")
    assert "Strapi's database has no table admin_roles, admin_users" in checked(
        STRAPI_DATABASE=server.url("shop")
    )


@on_postgresql
def test_a_schema_that_is_not_strapis(server: Server, checked: Checked) -> None:
    server.run("DROP DATABASE IF EXISTS cms")
    StrapiOnServer.on(server, "cms")
    server.run("ALTER SCHEMA public RENAME TO house; CREATE SCHEMA public", "cms")

    said = checked(STRAPI_DATABASE=server.url("cms"))

    option = "?options=-csearch_path%3Dhouse"
    assert f"there is one in the schema house: add {option} to the address" in said
    assert "WRONG" not in checked(STRAPI_DATABASE=server.url("cms") + option)
    server.run("DROP DATABASE cms WITH (FORCE)")


def test_a_host_that_nobody_knows(server: Server, checked: Checked) -> None:
    address = server.url("strapi").replace("127.0.0.1", "nowhere.invalid")
    assert "has a name that is not known here" in checked(LEDGER=address)


def test_a_port_that_nobody_listens_on(server: Server, checked: Checked) -> None:
    address = server.url("strapi").replace(str(server.port), str(free_port()))
    assert "does not answer: is it running, at this host and port?" in checked(LEDGER=address)


def test_an_option_that_the_driver_does_not_know(server: Server, checked: Checked) -> None:
    said = checked(LEDGER=server.url("ledger", tls="yes"))
    assert "cannot be reached: its address has an unknown option" in said


def test_somebody_elses_database_for_a_ledger(server: Server, checked: Checked) -> None:
    said = checked(LEDGER=server.url("strapi"))
    assert "is another program's database: correct SIGNUP_LEDGER" in said


@on_mariadb
def test_a_ledger_that_takes_different_addresses_for_one(server: Server, checked: Checked) -> None:
    server.run(f"CREATE OR REPLACE DATABASE ledger CHARACTER SET utf8mb4 COLLATE {LOOSE}")

    said = checked(LEDGER=server.url("ledger"))

    assert f"may take different addresses for one ({LOOSE}): make another with" in said
    assert "CREATE DATABASE … CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" in said
    assert server.rows("SHOW TABLES", database="ledger") == []


@on_mariadb
def test_a_strapi_may_take_different_addresses_for_one(server: Server, checked: Checked) -> None:
    server.run(
        f"ALTER TABLE admin_users CONVERT TO CHARACTER SET utf8mb4 COLLATE {LOOSE}", "strapi"
    )
    assert "WRONG" not in checked()


@on_postgresql
def test_a_ledger_that_cannot_keep_every_name(server: Server, checked: Checked) -> None:
    server.run("DROP DATABASE IF EXISTS latin")
    server.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    said = checked(LEDGER=server.url("latin"))

    assert "cannot keep every name, in LATIN1: make another with CREATE DATABASE" in said
    server.run("DROP DATABASE latin WITH (FORCE)")


def test_a_certificate_that_is_trusted_and_one_that_is_not(
    server: Server, checked: Checked, tmp_path: Path
) -> None:
    assert "WRONG" not in checked(STRAPI_DATABASE=server.url("strapi", **trust(server, server.ca)))

    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    said = checked(LEDGER=server.url("strapi", **trust(server, tmp_path / "other.pem")))
    assert "has a certificate that is not trusted: name its authority with" in said

    said = checked(LEDGER=server.url("strapi", **trust(server, tmp_path / "missing.pem")))
    assert "cannot be checked: the file that ssl" in said


@on_postgresql
def test_a_certificate_of_another_host(server: Server, checked: Checked) -> None:
    address = server.url("strapi", **trust(server, server.ca), hostaddr="127.0.0.1")
    said = checked(LEDGER=address.replace("@127.0.0.1", "@db.example.com"))
    assert "has a certificate that is not trusted" in said


def test_a_server_that_lets_nobody_in_without_tls(server: Server, checked: Checked) -> None:
    server.user(STRANGER, STRANGERS_PASSWORD)
    with demanding_tls(server):
        off = {"sslmode": "disable"} if isinstance(server, PostgreSQL) else {"ssl_disabled": "true"}
        said = checked(LEDGER=server.url("strapi", STRANGER, STRANGERS_PASSWORD, **off))
    assert "without TLS" in said


def test_a_server_that_speaks_no_tls(plain: Server, checked: Checked) -> None:
    said = checked(LEDGER=plain.url("strapi", **trust(plain, plain.ca)))
    assert "speaks no TLS: set it up there" in said


@pytest.mark.parametrize(("scheme", "driver"), [("postgresql", "psycopg"), ("mysql", "pymysql")])
def test_a_driver_that_is_not_installed(scheme: str, driver: str, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        f"sys.modules[{driver!r}] = None\n"
        "sys.modules['psycopg2'] = sys.modules['MySQLdb'] = sys.modules['mariadb'] = None\n"
        "from app import create_app\n"
        f"address = '{scheme}://{STRANGER}:secret@127.0.0.1:1/strapi'\n"
        f"app = create_app(dict(STRAPI_DATABASE=address, LEDGER=address))\n"
        "print(app.test_cli_runner().invoke(args=['check']).output)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.count("needs a driver: make servers") == 2, done
    assert STRANGER not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://{STRANGER}:54321/98765@127.0.0.1/strapi",
        f"postgresql://{STRANGER}:qzqz/xyxy@127.0.0.1/strapi",
        f"mysql://{STRANGER}:54321#98765@127.0.0.1/strapi",
        f"mysql://{STRANGER}:qzqz?xyxy@127.0.0.1/strapi",
        f"mysql://127.0.0.1:1/strapi?user={STRANGER}&passwd=54321@98765",
    ],
)
def test_an_address_that_was_not_quoted_gives_nothing_away(
    address: str, service: Service, start: Callable[..., Service], caplog: pytest.LogCaptureFixture
) -> None:
    said = run(start(LEDGER=address, STRAPI_DATABASE=address), "check").output
    said += run(service, "move-ledger", address).output + caplog.text

    for secret in (STRANGER, "54321", "98765", "qzqz", "xyxy"):
        assert secret not in said
