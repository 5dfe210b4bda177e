"""The house: who may import whom, what every answer carries, and what the ledger remembers."""

import ast
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playhouse.schema_diff import diff_models

from models.ledger.database import LedgerTooNew, database, migrate, proxy
from models.transfer import TABLES
from tests.support.paths import ROOT
from tests.support.service import PUBLIC, Service

CODE = [ROOT / "app.py", *ROOT.glob("models/**/*.py"), *ROOT.glob("signup/**/*.py")]


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def importers(*packages: str) -> set[str]:
    """The files that import one of these packages."""
    wanted = tuple(packages) + tuple(f"{package}." for package in packages)
    return {
        str(file.relative_to(ROOT))
        for file in CODE
        if any(
            name in packages or name.startswith(wanted[len(packages) :]) for name in imports(file)
        )
    }


def test_data_flows_from_app_to_signup_to_models() -> None:
    assert importers("app") == set()
    assert not any(name.startswith("models/") for name in importers("signup", "flask", "wtforms"))


def test_a_library_stops_at_the_module_that_wraps_it() -> None:
    assert importers("itsdangerous") == {"signup/links.py"}
    assert importers("bcrypt") == {"models/password_hashing.py"}
    assert importers("smtplib") == {"signup/mail/smtp.py"}
    assert all(name.startswith("models/") for name in importers("peewee", "playhouse"))


def test_queries_and_transactions_are_written_under_models_alone() -> None:
    for file in CODE:
        if "models" not in file.parts:
            assert not re.search(r"\.where\(|atomic\(|\.select\(", file.read_text()), file


def test_importing_opens_nothing() -> None:
    for file in CODE:
        for node in ast.parse(file.read_text()).body:
            assert not isinstance(node, ast.With | ast.For | ast.Try), file


def test_models_and_migrations_agree(service: Service) -> None:
    with service.app.app_context():
        assert not diff_models(database, list(TABLES))  # type: ignore[no-untyped-call]


def test_the_ledger_is_for_its_owners_eyes_and_keeps_its_word_through_a_power_cut(
    service: Service,
) -> None:
    assert stat.S_IMODE(service.ledger.stat().st_mode) == 0o600
    engine = proxy.obj
    with service.app.app_context():
        pragmas = {name: engine.pragma(name) for name in ("journal_mode", "synchronous")}
        assert pragmas == {"journal_mode": "wal", "synchronous": 2}
        assert engine.pragma("secure_delete") == 1


def test_an_older_version_leaves_a_newer_ledger_alone(
    start: Callable[..., Service], service: Service
) -> None:
    service.records.do("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', 0)")
    with service.app.app_context(), pytest.raises(LedgerTooNew, match="9999_later"):
        migrate(proxy.obj)
    assert start().app.extensions["ledger_fault"]


def test_every_answer_carries_the_headers(service: Service) -> None:
    for path in ("/signup", "/", "/nowhere", "/static/style.css", "/review", "/api/authors"):
        with service.visitor().get(path) as answer:
            headers = answer.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert ("no-store" in headers["Cache-Control"]) == (not path.startswith("/static"))


def test_templates_hold_no_style_and_no_script() -> None:
    for template in ROOT.glob("templates/**/*.html"):
        if "mail" not in template.parts:
            assert not re.search(
                r"<script(?! type=\"module\" src=)|<style| style=| on\w+=", template.read_text()
            ), template


def test_the_cookie_is_kept_to_its_host_and_from_scripts(service: Service) -> None:
    cookie = service.visitor().get("/signup").headers["Set-Cookie"]
    assert cookie.startswith("__Host-signup=")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_a_body_that_is_too_large_is_refused(service: Service) -> None:
    given = {"firstname": "x" * 20000}
    answer = service.visitor().client.post("/signup", data=given, base_url=PUBLIC)
    assert answer.status_code == 413


def test_a_body_without_a_length_is_refused(service: Service) -> None:
    headers = {"Transfer-Encoding": "chunked"}
    answer = service.visitor().client.post("/signup", headers=headers, base_url=PUBLIC)
    assert answer.status_code == 411
