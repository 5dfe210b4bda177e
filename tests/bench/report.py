"""docs/bench.md: what was measured, and, written by hand, what was changed and what that gave."""

from collections.abc import Sequence
from pathlib import Path

from tests.bench.machine import facts
from tests.support.paths import ROOT

FILE = ROOT / "docs" / "bench.md"
BEGIN, END = "<!-- by hand: begin -->", "<!-- by hand: end -->"
HEAD = """\
# As fast as bcrypt allows

`make bench` wrote this page. Everything it compares ran in one go on one machine, in turns. The
service ran as the README tells operators to run it (`gunicorn.conf.py`: one worker, 32 threads),
its limits lifted by `RATELIMIT_ENABLED` and `MAX_WAITING`; clients and mail server are processes of
their own on the same cores.
"""
# What stands on another page, beside what operators have to know.
SCALE = ROOT / "docs" / "scale.md"
MEASURED, SO_FAR = "<!-- make bench: begin -->", "<!-- make bench: end -->"
CHANGES = f"""\
{BEGIN}

## What was changed, and what each change gave

Nothing yet.

{END}
"""


def write(sections: Sequence[str], file: Path = FILE) -> None:
    """Write the page anew, but for what was written by hand."""
    kept = by_hand(file.read_text()) if file.exists() else CHANGES
    file.write_text("\n".join([HEAD, *facts(), "", *sections, kept]))


def put(section: str, file: Path = SCALE) -> None:
    """Exchange what was measured on a page that was written by hand."""
    before, _, rest = file.read_text().partition(MEASURED)
    _, _, after = rest.partition(SO_FAR)
    assert after
    file.write_text(
        "\n".join([f"{before}{MEASURED}", "", *facts(), "", f"{section}{SO_FAR}{after}"])
    )


def by_hand(text: str) -> str:
    """The part between the two marks, which must be there."""
    assert BEGIN in text
    assert END in text
    return text[text.index(BEGIN) : text.index(END)] + f"{END}\n"
