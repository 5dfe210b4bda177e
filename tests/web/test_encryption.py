"""What crosses a network in clear, and files that others can read: the check and the documents."""

import re

import pytest
from flask import Config

from signup.cli.encryption import unencrypted
from tests.support.deployment import UNIT
from tests.support.paths import ROOT
from tests.support.service import Service, Start

PG = "postgresql://signup:secret@{}/signup"
MYSQL = "mysql://signup:secret@{}/signup"
IN_CLEAR = {
    "PUBLIC_URL": ("http://join.example.com", "http://203.0.113.7:8000", "http://[2001:db8::1]"),
    "STRAPI_ADMIN_URL": ("http://cms.example.com/admin", "http://8.8.8.8/admin"),
    "MAIL_SERVER": ("192.0.2.25", "smtp.example.invalid", "2001:db8::25"),
    "LEDGER": (
        *(PG.format("192.0.2.1"), PG.format("127.0.0.1,192.0.2.1"), MYSQL.format("192.0.2.1:3306")),
    ),
    "STRAPI_DATABASE": (
        *(f"{PG.format('192.0.2.1')}?sslmode={mode}" for mode in ("disable", "allow", "prefer")),
        f"{MYSQL.format('192.0.2.1')}?charset=utf8mb4",
    ),
}
NOT_IN_CLEAR = {
    "PUBLIC_URL": (
        *(
            "https://join.example.com",
            "http://127.0.0.1:5000",
            "http://localhost",
            "http://10.1.2.3",
        ),
        *("http://[::1]:5000", "http://[fd00::1]", "http://join.internal", "http://192.168.0.9"),
    ),
    "STRAPI_ADMIN_URL": ("https://cms.example.com/admin", "http://strapi:1337/admin"),
    "MAIL_SERVER": ("127.0.0.1", "localhost", "mail", "172.31.0.1", "mx.home.arpa", "::1"),
    "LEDGER": ("ledger.db", PG.format("db"), MYSQL.format("10.0.0.5"), "postgresql:///signup"),
    "STRAPI_DATABASE": (
        *(f"{PG.format('192.0.2.1')}?sslmode={mode}" for mode in ("require", "verify-full")),
        f"{MYSQL.format('192.0.2.1')}?ssl_ca=/etc/ssl/ca.pem",
        f"{PG.format('')}?host=/var/run/postgresql",
    ),
}


@pytest.mark.parametrize(
    ("name", "value", "warned"),
    [
        (name, value, table is IN_CLEAR)
        for table in (IN_CLEAR, NOT_IN_CLEAR)
        for name, values in table.items()
        for value in values
    ],
)
def test_check_warns_of_what_crosses_a_network_in_clear(
    service: Service, name: str, value: str, warned: bool
) -> None:
    config = Config("", {**service.app.config, name: value})
    warnings = list(unencrypted(config))
    assert len(warnings) == warned
    assert all(name in each or value in each for each in warnings)
    assert "secret" not in str(warnings)


def test_a_mail_server_with_tls_is_no_warning(start: Start) -> None:
    service = start(MAIL_SERVER="192.0.2.25", MAIL_USE_TLS=True)
    assert list(unencrypted(service.app.config)) == []
    assert "WARN" in start(PUBLIC_URL="http://join.example.com").run("check").output


# Commands in the documents that make a file with secrets or with personal data.
MAKES_A_FILE = re.compile(
    r"\.backup \w|(?:pg_dump|mysqldump) .*>|>>? ?/etc/|cp \.strapi|touch \.env"
)


def test_documents_and_unit_make_no_file_that_others_can_read() -> None:
    files = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").iterdir()]
    lines = [line for file in files for line in file.read_text().splitlines()]
    commands = [line for line in lines if MAKES_A_FILE.search(line)]
    assert len(commands) == 7
    assert [line for line in commands if "umask" not in line] == []
    assert UNIT.get("Service", "UMask") == "0077"
