"""Settings: their names, defaults, and every complaint about them at once."""

from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Config, Flask

from models.strapi import SUPER_ADMIN

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
    "AUTHOR_ROLE": "strapi-author",
    "LINK_MAX_AGE": 172800,
    "REVIEWERS": [],
    "ASK_WHY": "optional",
    "OPEN": True,
    "PROXIES": 0,
    "REAPPLY_DAYS": 30,
    "MAX_WAITING": 200,
    "KEEP_DAYS": 365,
    "RATELIMIT_ENABLED": True,
    "MAIL_PORT": 25,
    "MAIL_USERNAME": None,
    "MAIL_PASSWORD": None,
    "MAIL_USE_TLS": False,
    "MAIL_USE_SSL": False,
    "MAIL_TIMEOUT": 10,
}
SECRETS = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "STRAPI_DATABASE", "MAIL_PASSWORD")
# HMAC-SHA-256 is no stronger than its key.
KEY_BYTES = 32
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SettingsError(Exception):
    """Settings are missing or wrong; the message names all of them."""

    def __init__(self, complaints: list[str]) -> None:
        """Take the complaints, a sentence each."""
        super().__init__(
            "The settings need attention:\n" + "\n".join(f"  - {c}" for c in complaints)
        )


def load(app: Flask, settings: Mapping[str, Any] | None = None) -> None:
    """Fill the app's configuration from the defaults, then from `settings`, or, without
    them, from the environment: `SIGNUP_NAME`, or `SIGNUP_NAME_FILE` for a secret."""
    config = app.config
    config.from_mapping(DEFAULTS)
    if settings is None:
        config.from_prefixed_env(PREFIX)
    else:
        config.from_mapping(settings)
    for name in SECRETS:
        if file := config.get(f"{name}_FILE"):
            config[name] = Path(file).read_text().strip()
    for name, default in DEFAULTS.items():
        config[name] = _as(default, config[name])
    config["LEDGER"] = config["LEDGER"] or str(Path(app.instance_path) / "ledger.db")
    config["PUBLIC_URL"] = (config["PUBLIC_URL"] or "").rstrip("/") or None
    config["SITE_NAME"] = config["SITE_NAME"] or urlsplit(config["STRAPI_ADMIN_URL"] or "").hostname


def require(app: Flask) -> None:
    """Raise SettingsError unless every setting is there and sound, and the ledger is open."""
    found = [*complaints(app.config), app.extensions["ledger_complaint"]]
    if any(found):
        raise SettingsError([complaint for complaint in found if complaint])


def complaints(config: Config) -> Iterator[str]:
    """What is missing or wrong, a sentence each, and what to do about it."""
    for name in REQUIRED:
        if not config[name]:
            yield f"{PREFIX}_{name} is missing"
    for name, default in DEFAULTS.items():
        value = config[name]
        if isinstance(default, bool) and not isinstance(value, bool):
            yield f"{PREFIX}_{name} must be true or false, not {value!r}"
        elif type(default) is int and (type(value) is not int or value < 0):
            yield f"{PREFIX}_{name} must be a whole number from 0 up, not {value!r}"
    yield from _weak_keys(config)
    yield from _wrong_places(config)
    yield from _unsafe_mail(config)
    if config["AUTHOR_ROLE"] == SUPER_ADMIN:
        yield f"{PREFIX}_AUTHOR_ROLE must not be {SUPER_ADMIN}: strangers would apply for it"
    if config["ASK_WHY"] not in ("off", "optional", "required"):
        yield f"{PREFIX}_ASK_WHY must be off, optional or required, not {config['ASK_WHY']!r}"


def _weak_keys(config: Config) -> Iterator[str]:
    keys = {
        "SECRET_KEY": [config["SECRET_KEY"]],
        "SECRET_KEY_FALLBACKS": config["SECRET_KEY_FALLBACKS"],
    }
    for name, values in keys.items():
        for key in filter(None, values):
            if len(key.encode()) < KEY_BYTES or len(set(key)) < 8:
                yield (
                    f"{PREFIX}_{name} is too weak to sign links: make one with"
                    " python3 -c 'import secrets; print(secrets.token_hex(32))'"
                )


def _wrong_places(config: Config) -> Iterator[str]:
    for name in ("STRAPI_ADMIN_URL", "PUBLIC_URL"):
        url = urlsplit(config[name] or "http://none")
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
            yield f"{PREFIX}_{name} must be an address like https://example.com/path"
    for name in ("STRAPI_DATABASE", "LEDGER"):
        if "://" in (config[name] or "").removeprefix("sqlite:///"):
            yield f"{PREFIX}_{name} must be the path of an SQLite file"


def _unsafe_mail(config: Config) -> Iterator[str]:
    if config["MAIL_DEFAULT_SENDER"] and "@" not in parseaddr(config["MAIL_DEFAULT_SENDER"])[1]:
        yield f"{PREFIX}_MAIL_DEFAULT_SENDER must be like 'The Magazine <post@example.com>'"
    if config["MAIL_USE_TLS"] and config["MAIL_USE_SSL"]:
        yield f"{PREFIX}_MAIL_USE_TLS and {PREFIX}_MAIL_USE_SSL exclude each other: set one"
    encrypted = config["MAIL_USE_TLS"] or config["MAIL_USE_SSL"]
    if config["MAIL_USERNAME"] and not encrypted and config["MAIL_SERVER"] not in LOOPBACK:
        yield f"{PREFIX}_MAIL_PASSWORD would travel in clear: set {PREFIX}_MAIL_USE_TLS=true"


def _as(default: Any, value: Any) -> Any:
    if isinstance(default, list) and not isinstance(value, list):
        return [part.strip() for part in str(value or "").split(",") if part.strip()]
    if (default is None or isinstance(default, str)) and value is not None:
        return str(value)
    return value
