"""Check that secrets are strong, different, and readable by this service alone."""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Config

from models.engines import file_from_url

# HMAC-SHA-256 is no stronger than its key.
MIN_BYTES = 32
# Keys in the documentation of Flask, Strapi and others, and placeholders.
EXAMPLES = re.compile(
    r"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"
    r"|(change|replace).?(me|it|this)|to.?be.?modified|example|insecure"
    r"|your.?(own|secret|key|random|strong)",
    re.IGNORECASE,
)
MAKE_ONE = "make one with python3 -c 'import secrets; print(secrets.token_hex(32))'"


def faults(config: Config) -> Iterator[str]:
    """Yield what is wrong with the keys, one sentence each, without the keys."""
    fallbacks = config["SECRET_KEY_FALLBACKS"]
    for name, keys in (("SECRET_KEY", [config["SECRET_KEY"]]), ("SECRET_KEY_FALLBACKS", fallbacks)):
        for key in filter(None, keys):
            if len(key.encode()) < MIN_BYTES or len(set(key)) < 8:
                yield f"SIGNUP_{name} is too weak to sign links: {MAKE_ONE}"
            elif EXAMPLES.search(key):
                yield f"SIGNUP_{name} is an example, which everybody knows: {MAKE_ONE}"
    if config["SECRET_KEY"] in fallbacks:
        yield "SIGNUP_SECRET_KEY_FALLBACKS contains SIGNUP_SECRET_KEY: keep only old keys there"
    if config["MAIL_PASSWORD"] and config["MAIL_PASSWORD"] in (config["SECRET_KEY"], *fallbacks):
        yield f"SIGNUP_MAIL_PASSWORD is also a key that signs links: {MAKE_ONE}"


def read_file(file: Path) -> Any:
    """Return the secret in a file, or its list of secrets.

    Raises ValueError, which says why not, without a part of the secret.
    """
    try:
        text = file.read_bytes().decode().strip()
    except OSError as error:
        raise ValueError(f"{file} ({error.strerror}): let the service's user read it") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not in UTF-8") from error
    try:
        return json.loads(text) if text.startswith("[") else text
    except ValueError as error:
        raise ValueError(f"{file} begins with [ and is no list in JSON") from error


def exposed(config: Config, root: Path) -> Iterator[str]:
    """Yield the secret files that other users of this machine can read or replace, with advice."""
    ledger = file_from_url(config["LEDGER"])
    files = [ledger, Path(f"{ledger}-wal")] if ledger else []
    configured = [Path(value) for name, value in config.items() if name.endswith("_FILE") and value]
    for file in (*files, root / ".env", *configured):
        if _mode(file) & (stat.S_IROTH | stat.S_IWOTH):
            yield f"other users of this machine can read {file}: chmod 600 {file}"
    if ledger and _mode(ledger.parent) & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
        yield f"other users of this machine can write to {ledger.parent}: chmod 700 {ledger.parent}"


def _mode(file: Path) -> int:
    try:
        return stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return 0
