"""The file `.env` with settings, beside app.py."""

import io
import os
from pathlib import Path

from dotenv import dotenv_values


def load(file: Path) -> str | None:
    """Set the environment variables that the file names, except those that are set already.

    Returns why the file cannot be read, or None. It may be missing.
    """
    try:
        content = file.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return None
    except OSError as error:
        return f"{file} cannot be read ({error.strerror}): let the service's user read it"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _not_utf8(file, content, error.start)
    # UTF-16 without a mark at its beginning.
    if "\0" in text:
        return _not_utf8(file, content, content.index(b"\0"))
    for name, value in dotenv_values(stream=io.StringIO(text)).items():
        if value is not None:
            os.environ.setdefault(name, value)
    return None


def _not_utf8(file: Path, content: bytes, start: int) -> str:
    line = content.count(b"\n", 0, start) + 1
    return f"{file} is not in UTF-8, first in line {line}: save the file as UTF-8"
