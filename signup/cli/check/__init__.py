"""What `flask check` tests, and what it found."""

from collections.abc import Iterator

from flask import current_app

from signup import settings
from signup.cli.check import ledger, mail, strapi
from signup.cli.check.finding import Finding


def findings() -> Iterator[Finding]:
    """Test everything that the settings name."""
    config = current_app.config
    faults = list(settings.faults(current_app))
    yield Finding("settings", "\n       ".join(faults) or None)
    if unknown := list(settings.warnings(config)):
        yield Finding("no unknown settings", "\n       ".join(unknown), is_warning=True)
    if config["STRAPI_DATABASE"]:
        yield from ledger.findings()
        yield from strapi.findings()
    if config["MAIL_SERVER"] and config["PUBLIC_URL"] and "MAIL_" not in str(faults):
        yield from mail.findings()
