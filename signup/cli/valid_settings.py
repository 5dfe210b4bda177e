"""The decorator of commands that need valid settings."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from signup import settings


def with_valid_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Run `command` in an app context, or exit with a list of what is wrong with the settings."""

    @with_appcontext
    @wraps(command)
    def checked(*values: Any, **options: Any) -> None:
        try:
            settings.require(current_app._get_current_object())  # type: ignore[attr-defined]
        except settings.SettingsError as error:
            raise click.ClickException(str(error)) from error
        command(*values, **options)

    return checked
