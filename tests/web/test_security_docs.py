"""The pages docs/asvs*.md name tests, rules and files that exist."""

import ast
import re

from tests.support.paths import ROOT

DOCUMENT = "".join(page.read_text() for page in sorted(ROOT.glob("docs/asvs*.md")))
ROWS = re.findall(r"^\| (V[\d.]+) \| ([12]) \| (.+?) \| (.+) \|$", DOCUMENT, re.MULTILINE)
# How a requirement may be answered that no test of ours can show.
ANSWERS = (
    "document:",
    "deployment:",
    "operator",
    "not here:",
    "**not met**",
    "not met",
    "in part:",
)


def test_every_named_test_exists() -> None:
    named = set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", DOCUMENT))
    assert len(named) > 50
    defined = {
        (file, node.name)
        for file in {file for file, _ in named}
        for node in ast.parse((ROOT / "tests" / file).read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    assert sorted(named - defined) == []


def test_every_requirement_is_answered_once() -> None:
    assert len(ROWS) > 150
    assert len({number for number, *_ in ROWS}) == len(ROWS)
    for number, _, _, answer in ROWS:
        shown = any(sign in answer for sign in ("::test_", "rule `", "`make ", "there "))
        assert shown or answer.startswith(ANSWERS), number


def test_every_named_rule_and_file_exists() -> None:
    rules = (ROOT / ".ci" / "semgrep.yml").read_text()
    for rule in re.findall(r"rule `([\w-]+)`", DOCUMENT):
        assert f"- id: {rule}\n" in rules
    for file in re.findall(r"`((?:deploy|signup|\.ci)/[\w./-]+|\w+\.conf\.py)`", DOCUMENT):
        assert (ROOT / file).exists(), file


def test_what_is_not_met_is_listed_above_the_table() -> None:
    [listed] = re.findall(
        r"Openly \*\*not met\*\*, or in part: ([^.]+(?:\.\d+[^.]*)*)\.\n", DOCUMENT
    )
    unmet = [n for n, _, _, answer in ROWS if re.match(r"\W*not met|in part", answer)]
    assert re.findall(r"V[\d.]+\d", listed) == unmet
