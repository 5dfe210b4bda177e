"""Sizes of the code base. `make shape` prints them, and test_architecture.py checks them."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT

PRODUCT = [
    ROOT / "app.py",
    *sorted(ROOT.glob("models/**/*.py")),
    *sorted(ROOT.glob("signup/**/*.py")),
]
TESTS = sorted(ROOT.glob("tests/**/*.py"))
# Private words of earlier versions. What is stored or signed keeps them.
FORBIDDEN = (
    r"\b(courier|settl(e|er|ing)|census|nursery|doubled|how-manieth|foresee|whoever"
    r"|somebody else's house)\b"
)
# The history, and this list.
NOT_SEARCHED = {"CHANGELOG.md", "CONTRIBUTING.md", "tests/support/shape.py"}
MAX_FUNCTION, MAX_FILE = 30, 250
MAX_README, MAX_PAGE = 9_000, 12_000


def functions(files: list[Path]) -> Iterator[tuple[int, str]]:
    """The number of lines of each function, and where it is."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                yield length, f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"


def lengths(files: list[Path]) -> Iterator[tuple[int, str]]:
    """The number of lines of each file, and its path."""
    for file in files:
        yield len(file.read_text().splitlines()), str(file.relative_to(ROOT))


def lines_of_code(files: list[Path]) -> int:
    """The number of lines that are neither blank nor a comment."""
    lines = (line.strip() for file in files for line in file.read_text().splitlines())
    return sum(1 for line in lines if line and not line.startswith("#"))


def forbidden_words() -> list[str]:
    """The lines of tracked files, but for CHANGELOG.md, that use a forbidden word."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in listed.splitlines():
        file = ROOT / name
        if name in NOT_SEARCHED or file.suffix in {".png", ".woff2"} or not file.is_file():
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if re.search(FORBIDDEN, line, re.IGNORECASE):
                found.append(f"{name}:{number} {line.strip()[:80]}")
    return found


def main() -> None:
    """Print the figures."""
    for title, files in (("product", PRODUCT), ("tests", TESTS)):
        for what, sizes in (("functions", functions(files)), ("files", lengths(files))):
            print(f"longest {what} of the {title}")
            for length, where in sorted(sizes, reverse=True)[:5]:
                print(f"  {length:5}  {where}")
    product, tests = lines_of_code(PRODUCT), lines_of_code(TESTS)
    print(f"lines of code: product {product}, tests {tests}, {tests / product:.2f} to 1")
    print(f"README.md: {(ROOT / 'README.md').stat().st_size} bytes of {MAX_README}")
    for page in sorted(ROOT.glob("docs/*.md")):
        if (size := page.stat().st_size) > MAX_PAGE:
            print(f"docs/{page.name}: {size} bytes, above {MAX_PAGE}")
    words = forbidden_words()
    print(f"forbidden words: {len(words)}")
    for line in words[:20]:
        print(f"  {line}")


if __name__ == "__main__":
    main()
