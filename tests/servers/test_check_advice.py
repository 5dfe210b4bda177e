"""What `flask check` says about databases on servers: what is wrong and what to do.

It tells no user name and no password.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.conftest import NEWEST, running
from tests.servers.conftest import PASSWORD, USER, Check, on_mariadb, on_postgresql
from tests.support.database_servers import MariaDB, PostgreSQL, Server
from tests.support.network import free_port
from tests.support.paths import ROOT
from tests.support.service import Service, Start
from tests.support.strapi_on_server import StrapiOnServer

LOOSE = "utf8mb4_general_ci"


@pytest.fixture
def backend(server: Server) -> str:
    """Both databases are on the server, if the settings of the test do not say otherwise."""
    return server.name


def test_nothing_is_wrong_with_right_settings(service: Service) -> None:
    result = service.run("check")

    assert result.exit_code == 0, result.output
    # These Strapis have no kind of content, so one warning is right.
    assert result.output.count("ok  ") == 11
    assert "WARN   the authors' role can write" in result.output
    assert len(service.strapi.admins()) == 1


def test_a_wrong_password(server: Server, check: Check) -> None:
    server.user(USER, "Right1password")
    for setting in ("STRAPI_DATABASE", "LEDGER"):
        output = check(**{setting: server.url("strapi", USER, PASSWORD)})
        assert "refuses this user or password" in output


def test_no_such_database(server: Server, check: Check) -> None:
    for setting in ("STRAPI_DATABASE", "LEDGER"):
        output = check(**{setting: server.url("nowhere")})
        assert "has no such database: create it, or correct the URL" in output


def test_a_database_that_this_user_must_not_open(server: Server, check: Check) -> None:
    server.user(USER, PASSWORD)
    if isinstance(server, PostgreSQL):
        server.run("REVOKE CONNECT ON DATABASE strapi FROM PUBLIC")

    output = check(STRAPI_DATABASE=server.url("strapi", USER, PASSWORD))

    if isinstance(server, PostgreSQL):
        server.run("GRANT CONNECT ON DATABASE strapi TO PUBLIC")
    assert "does not let this user into this database: see docs/databases.md" in output


def test_a_database_that_is_not_strapis(server: Server, check: Check) -> None:
    server.create("shop")
    server.run("CREATE TABLE goods (name varchar(20))", "shop")
    output = check(STRAPI_DATABASE=server.url("shop"))
    assert "Strapi's database has no table admin_roles, admin_users" in output


@on_postgresql
def test_a_schema_that_is_not_strapis(server: Server, check: Check) -> None:
    server.run("DROP DATABASE IF EXISTS cms")
    StrapiOnServer.on(server, "cms")
    server.run("ALTER SCHEMA public RENAME TO magazine; CREATE SCHEMA public", "cms")

    output = check(STRAPI_DATABASE=server.url("cms"))

    option = "?options=-csearch_path%3Dmagazine"
    assert f"there is one in the schema magazine: add {option} to the URL" in output
    assert "WRONG" not in check(STRAPI_DATABASE=server.url("cms") + option)
    server.run("DROP DATABASE cms WITH (FORCE)")


def test_a_wrong_url(server: Server, check: Check) -> None:
    url = server.url("strapi")
    for wrong, advice in {
        url.replace("127.0.0.1", "nowhere.invalid"): "has a host name that is not known here",
        url.replace(
            str(server.port), str(free_port())
        ): "does not answer: is it running, at this host and port?",
        server.url("strapi", tls="yes"): "cannot be reached: its URL has an unknown option",
        url: "is another program's database: correct SIGNUP_LEDGER",
    }.items():
        assert advice in check(LEDGER=wrong)


@on_mariadb
def test_a_collation_that_takes_different_emails_for_equal(server: MariaDB, check: Check) -> None:
    server.create("loose", LOOSE)

    output = check(LEDGER=server.url("loose"))

    assert f"may take different emails for the same ({LOOSE}): make another with" in output
    assert "CREATE DATABASE … CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" in output
    assert server.rows("SHOW TABLES", database="loose") == []
    # Strapi's own tables may have any collation.
    convert = f"CONVERT TO CHARACTER SET utf8mb4 COLLATE {LOOSE}"
    server.run(f"ALTER TABLE admin_users {convert}", "strapi")
    assert "WRONG" not in check()


@on_postgresql
def test_an_encoding_that_cannot_store_every_name(server: Server, check: Check) -> None:
    server.run("DROP DATABASE IF EXISTS latin")
    server.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    output = check(LEDGER=server.url("latin"))

    assert "cannot keep every name, in LATIN1: make another with CREATE DATABASE" in output
    server.run("DROP DATABASE latin WITH (FORCE)")


def trust(server: Server, authority: Path) -> dict[str, str]:
    """The URL options with which the server's certificate must be from this authority."""
    if server.scheme == "postgresql":
        return {"sslmode": "verify-full", "sslrootcert": str(authority)}
    return {"ssl_ca": str(authority)}


def test_a_certificate_must_be_trusted(server: Server, check: Check, tmp_path: Path) -> None:
    assert "WRONG" not in check(STRAPI_DATABASE=server.url("strapi", **trust(server, server.ca)))

    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    output = check(LEDGER=server.url("strapi", **trust(server, tmp_path / "other.pem")))
    assert "has a certificate that is not trusted: name its authority with" in output

    output = check(LEDGER=server.url("strapi", **trust(server, tmp_path / "missing.pem")))
    assert "cannot be checked: the file that ssl" in output


@on_postgresql
def test_a_certificate_must_be_for_this_host(server: Server, check: Check) -> None:
    url = server.url("strapi", **trust(server, server.ca), hostaddr="127.0.0.1")
    output = check(LEDGER=url.replace("@127.0.0.1", "@db.example.com"))
    assert "has a certificate for another host name" in output


@contextmanager
def demanding_tls(server: Server) -> Iterator[None]:
    """Let the server refuse this user without TLS."""
    if isinstance(server, MariaDB):
        server.run(f"ALTER USER {USER}@'127.0.0.1' REQUIRE SSL")
        yield
        server.run(f"ALTER USER {USER}@'127.0.0.1' REQUIRE NONE")
        return
    rules = server.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"hostnossl all {USER} 127.0.0.1/32 reject\n{before}")
    server.run("SELECT pg_reload_conf()")
    yield
    rules.write_text(before)
    server.run("SELECT pg_reload_conf()")


def test_a_server_that_demands_tls(server: Server, check: Check) -> None:
    server.user(USER, PASSWORD)
    off = {"sslmode": "disable"} if isinstance(server, PostgreSQL) else {"ssl_disabled": "true"}
    with demanding_tls(server):
        output = check(LEDGER=server.url("strapi", USER, PASSWORD, **off))
    assert "without TLS" in output


@pytest.fixture
def without_tls(server: Server) -> Iterator[Server]:
    """A server of the same engine without a certificate."""

    class WithoutTLS(type(server)):  # type: ignore[misc]
        def _command(self) -> list[str]:
            return [word for word in super()._command() if not word.startswith("--ssl")]

    yield from running(WithoutTLS)


def test_a_server_that_speaks_no_tls(without_tls: Server, check: Check) -> None:
    output = check(LEDGER=without_tls.url("strapi", **trust(without_tls, without_tls.ca)))
    assert "offers no TLS: turn it on there" in output


@pytest.mark.parametrize(("scheme", "driver"), [("postgresql", "psycopg"), ("mysql", "pymysql")])
def test_a_driver_that_is_not_installed(scheme: str, driver: str) -> None:
    script = (
        "import sys\n"
        f"sys.modules[{driver!r}] = None\n"
        "sys.modules['psycopg2'] = sys.modules['MySQLdb'] = sys.modules['mariadb'] = None\n"
        "from app import create_app\n"
        f"url = '{scheme}://{USER}:secret@127.0.0.1:1/strapi'\n"
        "app = create_app(dict(STRAPI_DATABASE=url, LEDGER=url))\n"
        "print(app.test_cli_runner().invoke(args=['check']).output)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.count("needs a driver: make servers") == 2, done
    assert USER not in done.stdout + done.stderr


@pytest.mark.parametrize("backend", [NEWEST])
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://{USER}:54321/98765@127.0.0.1/strapi",
        f"postgresql://{USER}:qzqz/xyxy@127.0.0.1/strapi",
        f"mysql://{USER}:54321#98765@127.0.0.1/strapi",
        f"mysql://{USER}:qzqz?xyxy@127.0.0.1/strapi",
        f"mysql://127.0.0.1:1/strapi?user={USER}&passwd=54321@98765",
    ],
)
def test_a_url_whose_password_is_not_quoted_leaks_nothing(
    url: str, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    output = start(LEDGER=url, STRAPI_DATABASE=url).run("check").output
    output += start().run("move-ledger", url).output + caplog.text

    leaked = [each for each in (USER, "54321", "98765", "qzqz", "xyxy") if each in output]
    assert leaked == []
