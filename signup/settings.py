"""Settings: their names, defaults, and every complaint about them at once."""

import os
from collections.abc import Callable, Iterator, Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Config, Flask

from models.strapi import SUPER_ADMIN
from signup import branding, databases, i18n, secret_keys
from signup.validation import domains

PREFIX = "SIGNUP"
REQUIRED = (
    "SECRET_KEY",
    "STRAPI_DATABASE",
    "STRAPI_ADMIN_URL",
    "PUBLIC_URL",
    "MAIL_SERVER",
    "MAIL_DEFAULT_SENDER",
)
# A default's type is the setting's type; None stands for text that may be missing.
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(REQUIRED),
    "SECRET_KEY_FALLBACKS": [],
    "LEDGER": None,
    "SITE_NAME": None,
    "SITE_LOGO": None,
    "ACCENT_COLOR": None,
    "LANGUAGES": ["en", "fr", "de", "es", "pt"],
    "AUTHOR_ROLE": "strapi-author",
    "STRAPI_TIMEZONE": "UTC",
    "LINK_MAX_AGE": 172800,
    "REVIEWERS": [],
    "ALLOWED_DOMAINS": [],
    "BLOCKED_DOMAINS": [],
    "ASK_WHY": "optional",
    "OPEN": True,
    "PROXIES": 0,
    "UNDO_SECONDS": 600,
    "REAPPLY_DAYS": 30,
    "MAX_WAITING": 200,
    "MAX_LETTERS": 300,
    "KEEP_DAYS": 365,
    "RATELIMIT_ENABLED": True,
    "MAIL_PORT": 25,
    "MAIL_USERNAME": None,
    "MAIL_PASSWORD": None,
    "MAIL_USE_TLS": False,
    "MAIL_USE_SSL": False,
    "MAIL_TIMEOUT": 10,
}
SECRETS = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "STRAPI_DATABASE", "LEDGER", "MAIL_PASSWORD")
# Numbers of which none is no use, and the most that makes sense: a century, a port.
POSITIVE = ("LINK_MAX_AGE", "MAX_LETTERS", "MAIL_PORT", "MAIL_TIMEOUT")
MOST = {
    "KEEP_DAYS": 36500,
    "REAPPLY_DAYS": 36500,
    "UNDO_SECONDS": 86400,
    "MAIL_PORT": 65535,
    "MAIL_TIMEOUT": 600,
}
# What looks for faults in settings that are not so simple.
FINDERS: dict[str, Callable[[Any], str | None]] = {
    **branding.FAULTS,
    "LANGUAGES": i18n.fault,
    "STRAPI_DATABASE": databases.fault,
    "LEDGER": databases.fault,
    "STRAPI_TIMEZONE": databases.zone_fault,
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SettingsError(Exception):
    """Settings are missing or wrong; the message names all of them."""

    def __init__(self, faults: list[str]) -> None:
        """Take the complaints, a sentence each."""
        super().__init__("The settings need attention:\n" + "\n".join(f"  - {c}" for c in faults))


def load(app: Flask, settings: Mapping[str, Any] | None = None) -> None:
    """Fill the app's configuration from the defaults, then from `settings`, or, without
    them, from the environment: `SIGNUP_NAME`, or `SIGNUP_NAME_FILE` for a secret. What cannot
    be read is left at its default, with a complaint."""
    config = app.config
    config.from_mapping(DEFAULTS, FAULTS={})
    if settings is None:
        config.from_prefixed_env(PREFIX)
    else:
        config.from_mapping(settings)
    for name in SECRETS:
        if file := config.get(f"{name}_FILE"):
            try:
                config[name] = secret_keys.content(Path(file))
            except (OSError, ValueError) as error:
                config["FAULTS"][name] = f"{PREFIX}_{name}_FILE cannot be read: {error}"
                config[name] = DEFAULTS[name]
    for name, default in DEFAULTS.items():
        config[name] = _as(name, default, config[name])
        if fault := _unusable(name, default, config[name]):
            config["FAULTS"][name] = f"{PREFIX}_{name} must be {fault}"
            config[name] = default
    for name in ("ALLOWED_DOMAINS", "BLOCKED_DOMAINS"):
        config[name] = _domains(config, name)
    config["LEDGER"] = config["LEDGER"] or str(Path(app.instance_path) / "ledger.db")
    config["PUBLIC_URL"] = (config["PUBLIC_URL"] or "").rstrip("/") or None
    config["SITE_NAME"] = config["SITE_NAME"] or urlsplit(config["STRAPI_ADMIN_URL"] or "").hostname


def require(app: Flask) -> None:
    """Raise SettingsError unless every setting is there and sound, and the ledger is open."""
    found = [*faults(app.config), app.extensions["ledger_fault"]]
    if any(found):
        raise SettingsError([fault for fault in found if fault])


def faults(config: Config) -> Iterator[str]:
    """What is missing or wrong, a sentence each, and what to do about it."""
    for name in REQUIRED:
        if not config[name] and name not in config["FAULTS"]:
            yield f"{PREFIX}_{name} is missing"
    yield from config["FAULTS"].values()
    yield from secret_keys.faults(config)
    yield from _unsafe_mail(config)
    if config["DEBUG"]:
        yield "FLASK_DEBUG must not be set: error pages would run code for anybody"
    if config["AUTHOR_ROLE"] == SUPER_ADMIN:
        yield f"{PREFIX}_AUTHOR_ROLE must not be {SUPER_ADMIN}: strangers would apply for it"


def _unsafe_mail(config: Config) -> Iterator[str]:
    if config["MAIL_USE_TLS"] and config["MAIL_USE_SSL"]:
        yield f"{PREFIX}_MAIL_USE_TLS and {PREFIX}_MAIL_USE_SSL exclude each other: set one"
    encrypted = config["MAIL_USE_TLS"] or config["MAIL_USE_SSL"]
    if config["MAIL_USERNAME"] and not encrypted and config["MAIL_SERVER"] not in LOOPBACK:
        yield f"{PREFIX}_MAIL_PASSWORD would travel in clear: set {PREFIX}_MAIL_USE_TLS=true"


def _unusable(name: str, default: Any, value: Any) -> str | None:
    """What a value must be, where it is not."""
    if value is None or value == default:
        return None
    if isinstance(default, bool):
        return None if isinstance(value, bool) else f"true or false, not {value!r}"
    if isinstance(default, int):
        low, high = (1 if name in POSITIVE else 0), MOST.get(name, 10**9)
        fits = type(value) is int and low <= value <= high
        return None if fits else f"a whole number from {low} to {high}, not {value!r}"
    if isinstance(value, str) and not value.isprintable():
        return "on one line, without control characters"
    return _unusable_text(name, value)


def _unusable_text(name: str, value: Any) -> str | None:
    if name in ("STRAPI_ADMIN_URL", "PUBLIC_URL") and not _is_web_address(value):
        return f"an address like https://example.com/path, not {value!r}"
    if name == "MAIL_DEFAULT_SENDER" and "@" not in parseaddr(value)[1]:
        return f"like 'The Magazine <post@example.com>', not {value!r}"
    if find_fault := FINDERS.get(name):
        return find_fault(value)
    if name == "ASK_WHY" and value not in ("off", "optional", "required"):
        return f"off, optional or required, not {value!r}"
    return None


def _is_web_address(value: str) -> bool:
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        return False
    extra = url.query or url.fragment
    return url.scheme in ("http", "https") and bool(url.hostname) and not extra


def _domains(config: Config, name: str) -> list[str]:
    try:
        return [domains.normalize(pattern) for pattern in config[name]]
    except ValueError as error:
        wanted = "domains like example.com or *.example.com"
        config["FAULTS"][name] = f"{PREFIX}_{name} must be {wanted}: {error}"
        return []


def _as(name: str, default: Any, value: Any) -> Any:
    if isinstance(default, list):
        parts = value if isinstance(value, list) else str(value or "").split(",")
        return [str(part).strip() for part in parts if str(part).strip()]
    if (default is None or isinstance(default, str)) and value is not None:
        # A password of digits is text, too: JSON would have made 1.5 of 1.50.
        return value if isinstance(value, str) else os.environ.get(f"{PREFIX}_{name}", str(value))
    return value
