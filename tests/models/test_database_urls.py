"""Database URLs: what each names, and why one is refused. No message has a part of the URL."""

from pathlib import Path
from typing import Any

import pytest

from models.engines import file_from_url, server_from_url, without_credentials
from models.engines.urls import (
    DATABASE_SLASH,
    NO_DATABASE,
    ONE_HOST,
    OPTION,
    PORT,
    QUOTING,
    SCHEMES,
    SLASHES,
)
from signup.databases import url_fault
from tests.support.service import Start

HERE = Path.cwd()


@pytest.mark.parametrize(
    ("url", "database", "options"),
    [
        ("postgresql://u:p@db/cms", "cms", {"user": "u", "password": "p", "host": "db"}),
        ("POSTGRES://db:6432/cms", "cms", {"host": "db", "port": 6432}),
        ("postgresql://u:p@a,b:5433/cms", "cms", {"host": "a,b", "port": ",5433"}),
        ("postgresql://[::1]:5433,[fe80::1]/cms", "cms", {"host": "::1,fe80::1", "port": "5433,"}),
        ("postgresql://u:p%40ss@db/my%20cms%2F%C3%BC", "my cms/ü", {"password": "p@ss"}),
        ("postgresql://u:p@%2FVar%2Frun/cms", "cms", {"host": "/Var/run"}),
        ("postgresql:///cms?host=/run/pg&port=5433", "cms", {"host": "/run/pg", "port": 5433}),
        ("postgresql://u@/cms", "cms", {"user": "u"}),
        ("mysql://u:p@%2Frun%2FMy.sock/cms", "cms", {"unix_socket": "/run/My.sock"}),
        ("mariadb://u:p%C3%9F@db/cms", "cms", {"host": "db", "password": "pß".encode()}),
        ("mysql://db/cms?user=u&password=1234", "cms", {"user": "u", "password": b"1234"}),
        ("mysql://db/cms?charset=latin1", "cms", {"charset": "utf8mb4"}),
    ],
)
def test_a_url_names_a_server(url: str, database: str, options: dict[str, Any]) -> None:
    engine: Any = server_from_url(url)
    assert engine.database == database
    assert {name: engine.connect_params.get(name) for name in options} == options
    assert file_from_url(url) is None
    assert "p" not in without_credentials(url).partition("@")[0].removeprefix("postgresql")[3:4]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/srv/strapi/data.db", Path("/srv/strapi/data.db")),
        ("data.db", HERE / "data.db"),
        ("./old:data/my.db", HERE / "old:data/my.db"),
        ("/srv//a@b/data.db", Path("/srv/a@b/data.db")),
        ("sqlite:///data.db", HERE / "data.db"),
        ("SQLite:////srv/data.db", Path("/srv/data.db")),
    ],
)
def test_a_path_or_url_names_a_file(url: str, path: Path) -> None:
    assert file_from_url(url) == path
    assert server_from_url(url) is None


SERVERS = ("postgresql", "mysql")
WRONG = {
    "sqlite:/qzqz/data.db": SLASHES,
    "sqlite:qzqz.db": SLASHES,
    "sqlite://qzqz.db": SLASHES,
    "sqlite:///": SLASHES,
    "sqlite:///:memory:": SLASHES,
    "sqlite:///qzqz.db?timeout=5": SLASHES,
    "postgresql+psycopg://u:qzqz@h/cms": SCHEMES,
    "mysql+pymysql://u:qzqz@h/cms": SCHEMES,
    "mssql://u:qzqz@h/cms": SCHEMES,
    "postgressql://u:qzqz@h/cms": SCHEMES,
    "jdbc:mysql://h/qzqz": SCHEMES,
    "postgresql:/u:qzqz@h/cms": SCHEMES,
    "postgresql//u:qzqz@h/cms": SCHEMES,
    "file:///srv/qzqz.db": SCHEMES,
    "u:qzqz@h/cms": SCHEMES,
    ":memory:": SCHEMES,
    "mysql://u:qzqz@a,b/cms": ONE_HOST,
    "mysql://h/cms?ssl=qzqz": "?ssl= must be true or false",
    **{f"{scheme}://u:qzqz@h": NO_DATABASE for scheme in SERVERS},
    **{f"{scheme}://u:qzqz@h/": NO_DATABASE for scheme in SERVERS},
    **{f"{scheme}://u:qzqz@h/cms/more": DATABASE_SLASH for scheme in SERVERS},
    **{f"{scheme}://u:qzqz@h/cms#1": QUOTING for scheme in SERVERS},
    **{
        f"{scheme}://u:qzqz@{place}/cms": PORT
        for scheme in SERVERS
        for place in ("h:abc", "h:0", "h:65536", "h:-1", "h:54:32", "::1", "[::1", "h:٣", "a,b:x")
    },
    "postgresql://h/cms?row_factory=qzqz": OPTION,
    "mysql://h/cms?autocommit=true": OPTION,
    **{f"{scheme}://h/cms?port=qzqz": PORT for scheme in SERVERS},
    **{f"{scheme}://h/cms?max_connections=qzqz": OPTION for scheme in SERVERS},
}


@pytest.mark.parametrize("url", WRONG)
def test_a_wrong_url_is_refused_with_the_reason(url: str) -> None:
    fault = url_fault(url) or ""
    assert fault.endswith(WRONG[url]) or WRONG[url] in fault
    assert "qzqz" not in fault


def test_a_url_of_an_unknown_kind_makes_no_folder(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    for url in ("sqlite:/ledger.db", "mssql://u:qzqz@h/ledger"):
        service = start(LEDGER=url)
        assert "SIGNUP_LEDGER must be the path of an SQLite file" in service.run("check").output
        moved = service.run("move-ledger", url)
        assert moved.exit_code != 0
        assert "qzqz" not in moved.output
    assert sorted(tmp_path.iterdir()) == before
