"""Commands for operators: what the pages do, and looking after the service."""

from flask import Flask

from signup.commands.deciding import activate, authors, decline, show, undo
from signup.commands.sound import with_sound_settings
from signup.commands.upkeep import check, deliver, demo, move_ledger, purge

__all__ = ["init_app", "with_sound_settings"]


COMMANDS = (check, demo, deliver, purge, move_ledger, authors, show, activate, decline, undo)


def init_app(app: Flask) -> None:
    """Add the commands."""
    for command in COMMANDS:
        app.cli.add_command(command)
