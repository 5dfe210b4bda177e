"""What the figures were taken on, without a name or a path of it."""

import importlib.metadata
import os
import platform
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.forum import VERSION

PACKAGES = ("flask", "gunicorn", "peewee", "bcrypt")


def facts() -> Iterator[str]:
    """Lines that tell the machine, the versions and the day."""
    yield f"* {datetime.now(UTC):%d %B %Y}, everything on one machine, on 127.0.0.1"
    yield f"* {os.cpu_count()} cores, {processor()}, {memory():.0f} GB"
    yield f"* Python {platform.python_version()}, {', '.join(map(version, PACKAGES))}"
    yield f"* SQLite {sqlite3.sqlite_version}, {node()}"


def processor() -> str:
    """What the processor is called."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def memory() -> float:
    """How many GB of memory there are."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def version(package: str) -> str:
    """The name and the version of a package."""
    return f"{package} {importlib.metadata.version(package)}"


def node() -> str:
    """Which Node runs which Strapi."""
    if not shutil.which("node"):
        return "no Node, so no Strapi"
    said = subprocess.check_output(["node", "--version"], text=True)
    return f"Strapi {VERSION} on Node {said.strip().removeprefix('v')}"
