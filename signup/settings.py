"""The settings: names, defaults, and what is wrong with them."""

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
# The type of a default is the type of the setting. None: text, optional unless in REQUIRED.
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
# Numbers that must not be 0, and upper limits: a century, a day, the highest port.
NOT_ZERO = ("LINK_MAX_AGE", "MAX_LETTERS", "MAIL_PORT", "MAIL_TIMEOUT")
MAXIMUM = {
    "KEEP_DAYS": 36500,
    "REAPPLY_DAYS": 36500,
    "UNDO_SECONDS": 86400,
    "MAIL_PORT": 65535,
    "MAIL_TIMEOUT": 600,
}
# A function for each setting with rules of its own: it returns what the value must be, or None.
FAULT_FINDERS: dict[str, Callable[[Any], str | None]] = {
    **branding.FAULTS,
    "LANGUAGES": i18n.fault,
    "STRAPI_DATABASE": databases.url_fault,
    "LEDGER": databases.url_fault,
    "STRAPI_TIMEZONE": databases.time_zone_fault,
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SettingsError(Exception):
    """Settings are missing or wrong. The message names all of them."""

    def __init__(self, faults: list[str]) -> None:
        """`faults`: one sentence each."""
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"The settings need attention:\n{lines}")


def load(app: Flask, settings: Mapping[str, Any] | None = None) -> None:
    """Fill `app.config`. A setting that is wrong keeps its default and is added to FAULTS.

    1. Start with the defaults.
    2. Add `settings`, or without them the environment: `SIGNUP_NAME`.
    3. Read secrets from files: `SIGNUP_NAME_FILE`.
    4. Convert and check each value.
    5. Derive the defaults that depend on other settings.
    """
    config = app.config
    config.from_mapping(DEFAULTS, FAULTS={})
    if settings is None:
        config.from_prefixed_env(PREFIX)
    else:
        config.from_mapping(settings)
    _read_secret_files(config)
    for name, default in DEFAULTS.items():
        config[name] = _convert(name, default, config[name])
        if fault := _fault(name, default, config[name]):
            config["FAULTS"][name] = f"{PREFIX}_{name} must be {fault}"
            config[name] = default
    for name in ("ALLOWED_DOMAINS", "BLOCKED_DOMAINS"):
        config[name] = _domains(config, name)
    config["LEDGER"] = config["LEDGER"] or str(Path(app.instance_path) / "ledger.db")
    config["PUBLIC_URL"] = (config["PUBLIC_URL"] or "").rstrip("/") or None
    config["SITE_NAME"] = config["SITE_NAME"] or urlsplit(config["STRAPI_ADMIN_URL"] or "").hostname


def require(app: Flask) -> None:
    """Raise SettingsError unless every setting is valid and the ledger is open."""
    found = [*faults(app.config), app.extensions["ledger_fault"]]
    if any(found):
        raise SettingsError([fault for fault in found if fault])


def faults(config: Config) -> Iterator[str]:
    """Yield what is missing or wrong and what to do, one sentence each."""
    for name in REQUIRED:
        if not config[name] and name not in config["FAULTS"]:
            yield f"{PREFIX}_{name} is missing"
    yield from config["FAULTS"].values()
    yield from secret_keys.faults(config)
    yield from _mail_faults(config)
    if config["DEBUG"]:
        yield "FLASK_DEBUG must not be set: error pages would run code for anybody"
    if config["KEEP_DAYS"] < config["REAPPLY_DAYS"]:
        yield (
            f"{PREFIX}_KEEP_DAYS must be at least {PREFIX}_REAPPLY_DAYS,"
            f" {config['REAPPLY_DAYS']}: a decline that is forgotten bars nobody"
        )
    if config["AUTHOR_ROLE"] == SUPER_ADMIN:
        yield f"{PREFIX}_AUTHOR_ROLE must not be {SUPER_ADMIN}: anybody could apply for it"


def _mail_faults(config: Config) -> Iterator[str]:
    if config["MAIL_USE_TLS"] and config["MAIL_USE_SSL"]:
        yield f"{PREFIX}_MAIL_USE_TLS and {PREFIX}_MAIL_USE_SSL exclude each other: set one"
    encrypted = config["MAIL_USE_TLS"] or config["MAIL_USE_SSL"]
    if config["MAIL_USERNAME"] and not encrypted and config["MAIL_SERVER"] not in LOOPBACK:
        yield f"{PREFIX}_MAIL_PASSWORD would travel in clear: set {PREFIX}_MAIL_USE_TLS=true"


def _read_secret_files(config: Config) -> None:
    for name in SECRETS:
        if file := config.get(f"{name}_FILE"):
            try:
                config[name] = secret_keys.read_file(Path(file))
            except (OSError, ValueError) as error:
                config["FAULTS"][name] = f"{PREFIX}_{name}_FILE cannot be read: {error}"
                config[name] = DEFAULTS[name]


def _fault(name: str, default: Any, value: Any) -> str | None:
    """Return what the value must be, or None if it is."""
    if value is None or value == default:
        return None
    if isinstance(default, bool):
        return None if isinstance(value, bool) else f"true or false, not {value!r}"
    if isinstance(default, int):
        low, high = (1 if name in NOT_ZERO else 0), MAXIMUM.get(name, 10**9)
        fits = type(value) is int and low <= value <= high
        return None if fits else f"a whole number from {low} to {high}, not {value!r}"
    if isinstance(value, str) and not value.isprintable():
        return "on one line, without control characters"
    return _text_fault(name, value)


def _text_fault(name: str, value: Any) -> str | None:
    if name in ("STRAPI_ADMIN_URL", "PUBLIC_URL") and not _is_url(value):
        return f"a URL like https://example.com/path, not {value!r}"
    if name == "MAIL_DEFAULT_SENDER" and "@" not in parseaddr(value)[1]:
        return f"like 'The Magazine <post@example.com>', not {value!r}"
    if find_fault := FAULT_FINDERS.get(name):
        return find_fault(value)
    if name == "ASK_WHY" and value not in ("off", "optional", "required"):
        return f"off, optional or required, not {value!r}"
    return None


def _is_url(value: str) -> bool:
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
        rule = "domains like example.com or *.example.com"
        config["FAULTS"][name] = f"{PREFIX}_{name} must be {rule}: {error}"
        return []


def _convert(name: str, default: Any, value: Any) -> Any:
    """Return the value as a list or text, where the default is one."""
    if isinstance(default, list):
        parts = value if isinstance(value, list) else str(value or "").split(",")
        return [str(part).strip() for part in parts if str(part).strip()]
    if (default is None or isinstance(default, str)) and value is not None:
        # Flask reads each value as JSON, which turns the password 1.50 into the number 1.5.
        return value if isinstance(value, str) else os.environ.get(f"{PREFIX}_{name}", str(value))
    return value
