"""docs/asvs.md keeps its word: every test that it names is there, and so is what it promises."""

import ast
import re

import pytest

from tests.support.paths import ROOT
from tests.support.service import ADA, Service

DOCUMENT = (ROOT / "docs" / "asvs.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", DOCUMENT)))
ROWS = re.findall(r"^\| (V[\d.]+) \| ([12]) \| (.+?) \| (.+) \|$", DOCUMENT, re.MULTILINE)
# How a requirement may be answered where no test of ours can.
ANSWERS = (
    "document:",
    "deployment:",
    "operator",
    "not here:",
    "**not met**",
    "not met",
    "in part:",
)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / "tests" / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_requirement_is_answered_once() -> None:
    assert len(ROWS) > 150
    assert len({number for number, *_ in ROWS}) == len(ROWS)
    for number, _, _, answer in ROWS:
        shown = any(sign in answer for sign in ("::test_", "rule `", "`make ", "there "))
        assert shown or answer.startswith(ANSWERS), number


def test_every_rule_and_file_that_is_named_exists() -> None:
    rules = (ROOT / ".ci" / "semgrep.yml").read_text()
    for rule in re.findall(r"rule `([\w-]+)`", DOCUMENT):
        assert f"- id: {rule}\n" in rules
    for file in re.findall(r"`((?:deploy|signup|\.ci)/[\w.-]+|\w+\.conf\.py)`", DOCUMENT):
        assert (ROOT / file).exists(), file


def test_what_is_not_met_is_listed_above_the_table() -> None:
    [openly] = re.findall(
        r"Openly \*\*not met\*\*, or in part: ([^.]+(?:\.\d+[^.]*)*)\.\n", DOCUMENT
    )
    unmet = [n for n, _, _, answer in ROWS if re.match(r"\W*not met|in part", answer)]
    assert re.findall(r"V[\d.]+\d", openly) == unmet


def test_every_answer_names_its_type_and_charset(service: Service) -> None:
    for path in ("/signup", "/nowhere", "/review/login", "/api/authors", "/api/openapi.json"):
        kind = service.visitor().get(path).content_type
        assert kind in ("text/html; charset=utf-8", "application/json", "application/problem+json")


def test_a_password_field_hides_what_is_typed_and_lets_managers_fill_it_in(
    service: Service,
) -> None:
    visitor = service.visitor()
    visitor.ask()
    service.deliver()

    for path, purpose in ((visitor.link(), "new-password"), ("/review/login", "current-password")):
        [field] = re.findall(r"<input[^>]*name=\"password\"[^>]*>", visitor.get(path).text)
        assert 'type="password"' in field
        assert f'autocomplete="{purpose}"' in field
        assert "value=" in field.replace('value=""', "value=")
        assert "onpaste" not in field


def test_a_password_of_64_letters_is_welcome(service: Service) -> None:
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    password = "correct Horse battery Staple 7 and thirty more letters to the end."[:64]

    assert len(password) == 64
    assert visitor.confirm(password=password).status_code == 303


def test_a_password_is_kept_as_bcrypt_of_cost_10(service: Service) -> None:
    service.visitor().apply()
    assert re.fullmatch(
        r"\$2[ab]\$10\$[./A-Za-z0-9]{53}", (service.strapi.admin(ADA) or {})["password"]
    )


def test_keys_are_random_and_have_128_bits(service: Service) -> None:
    visitor = service.visitor()
    for number in range(20):
        visitor.ask(f"author{number}@example.org")
    keys = [row["key"] for row in service.rows("SELECT key FROM signup")]
    assert len(set(keys)) == 20
    # Of base64, 22 letters hold 128 bits.
    assert all(re.fullmatch(r"[\w-]{22,}", key) for key in keys)
    assert all(len({key[place] for key in keys}) > 4 for place in range(21))

    visitor.log_in()
    [session] = service.rows("SELECT digest FROM session")
    assert re.fullmatch(r"[0-9a-f]{64}", session["digest"])


def test_every_page_of_the_desk_offers_to_log_out(service: Service) -> None:
    sue = service.visitor()
    sue.apply()
    sue.log_in()
    number = service.signup()["id"]

    pages = ["/review", "/review?state=active", "/review?q=nobody", f"/review/signup/{number}"]
    for page in pages:
        assert 'action="/review/logout"' in sue.get(page).text
