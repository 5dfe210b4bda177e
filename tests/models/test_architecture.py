"""Who may import what, and how long functions and files may be."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import shape
from tests.support.paths import ROOT

# From the top. A module imports from lower floors and from its own package. What is not listed
# is below all of them.
FLOORS = [
    {"app"},
    {"signup"},
    {"models.reconcile", "models.retention", "models.transfer"},
    {"models.comparison", "models.reviewers"},
    {"models.signups"},
    {"models.mail", "models.rate_limits"},
    {"models.strapi", "models.ledger"},
    {"models.engines"},
]
# Each library, and the only files that may import it.
WRAPPERS = {
    "itsdangerous": r"signup/links\.py",
    "bcrypt": r"models/password_hashing\.py",
    "smtplib": r"signup/mail/smtp(_errors)?\.py",
    "peewee": r"models/.+",
    "playhouse": r"models/.+",
    "flask": r"(app|signup/.+)\.py",
    "wtforms": r"signup/.+",
}


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in shape.PRODUCT}


def imports(file: Path) -> Iterator[str]:
    """The modules that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module or ""


def floor(module: str) -> int:
    return next((n for n, names in enumerate(FLOORS) if package(module) in names), len(FLOORS))


def package(module: str) -> str:
    """The part of a module's name that the floors list."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "models" else parts[0]


def test_imports_go_down_and_never_up_or_across() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, file in MODULES.items()
        for imported in imports(file)
        if imported in MODULES
        and package(imported) != package(module)
        and floor(imported) <= floor(module)
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    left = {
        module: set(imports(file)) & MODULES.keys() - {module} for module, file in MODULES.items()
    }
    while free := {module for module, needed in left.items() if not needed & left.keys()}:
        left = {module: needed for module, needed in left.items() if module not in free}
    assert left == {}


def test_a_library_stops_at_the_module_that_wraps_it() -> None:
    for file in shape.PRODUCT:
        for library in {name.partition(".")[0] for name in imports(file)} & WRAPPERS.keys():
            path = str(file.relative_to(ROOT))
            assert re.fullmatch(WRAPPERS[library], path), f"{path} imports {library}"


def test_queries_and_transactions_are_written_under_models_alone() -> None:
    for file in shape.PRODUCT:
        if "models" not in file.parts:
            assert not re.search(r"\.where\(|atomic\(|\.select\(", file.read_text()), file


def test_importing_a_module_runs_nothing() -> None:
    for file in shape.PRODUCT:
        for node in ast.parse(file.read_text()).body:
            assert not isinstance(node, ast.With | ast.For | ast.Try), file


@pytest.mark.parametrize(
    ("sizes", "most"),
    [(shape.functions, shape.MAX_FUNCTION), (shape.lengths, shape.MAX_FILE)],
    ids=["functions", "files"],
)
def test_functions_and_files_are_short(sizes: object, most: int) -> None:
    assert [each for each in sizes(shape.PRODUCT) if each[0] > most] == []  # type: ignore[operator]


def test_functions_of_tests_are_short() -> None:
    assert [each for each in shape.functions(shape.TESTS) if each[0] > shape.MAX_FUNCTION] == []


def test_templates_hold_no_style_and_no_script() -> None:
    inline = re.compile(r"<script(?! type=\"module\" src=)|<style| style=| on\w+=")
    for template in ROOT.glob("templates/**/*.html"):
        assert "mail" in template.parts or not inline.search(template.read_text()), template


def test_scripts_store_nothing_in_the_browser() -> None:
    scripts = [file.read_text() for file in ROOT.glob("static/**/*.js")]
    assert scripts
    stores = "localStorage|sessionStorage|indexedDB|caches|cookie"
    assert not re.search(stores, "".join(scripts))
