"""The commands of `flask --app app`, for operators."""

from flask import Flask

from signup.cli.decide import activate, authors, decline, show, undo
from signup.cli.maintenance import check, deliver, demo, move_ledger, purge, version
from signup.cli.suppressions import allow, stop
from signup.cli.valid_settings import with_valid_settings

__all__ = ["init_app", "with_valid_settings"]


# review/login.py adds `logout`.
COMMANDS = (
    check,
    demo,
    deliver,
    purge,
    move_ledger,
    version,
    authors,
    show,
    activate,
    decline,
    undo,
    stop,
    allow,
)


def init_app(app: Flask) -> None:
    """Add the commands."""
    for command in COMMANDS:
        app.cli.add_command(command)
