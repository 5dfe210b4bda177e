"""Folders that tests read, start programs in, or keep files in for one run."""

import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"

# Deleted when Python ends.
_run = tempfile.TemporaryDirectory(prefix="author-signup-tests-")
RUN = Path(_run.name)
