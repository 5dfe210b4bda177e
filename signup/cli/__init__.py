"""Commands for operators: what the pages do, and looking after the service."""

from flask import Flask

from signup.cli.decide import activate, authors, decline, show, undo
from signup.cli.maintenance import check, deliver, demo, move_ledger, purge
from signup.cli.valid_settings import with_valid_settings

__all__ = ["init_app", "with_valid_settings"]


COMMANDS = (check, demo, deliver, purge, move_ledger, authors, show, activate, decline, undo)


def init_app(app: Flask) -> None:
    """Add the commands."""
    for command in COMMANDS:
        app.cli.add_command(command)
