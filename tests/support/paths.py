"""Folders that tests read, start programs in, or keep files in for one run."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
RUN = Path(tempfile.mkdtemp(prefix="author-signup-tests-"))


def _remove(owner: int = os.getpid()) -> None:
    # A forked child runs this at its end, too.
    if os.getpid() == owner:
        shutil.rmtree(RUN, ignore_errors=True)


atexit.register(_remove)
