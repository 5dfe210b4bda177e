"""The settings: names, defaults, and what is wrong with them."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Config, Flask
from flask.helpers import get_load_dotenv

from models.strapi import SUPER_ADMIN
from signup import env_file, secret_keys, setting_names, setting_values
from signup.security import FORM_PAGES
from signup.validation import domains

PREFIX = "SIGNUP"
ENV_FILE = ".env"
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
    "ALLOWED_ACTIONS": [],
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
SECRET_FILES = tuple(f"{name}_FILE" for name in SECRETS)
# DEBUG is Flask's. The others are set by the sandbox.
KNOWN = frozenset((*DEFAULTS, *SECRET_FILES, "DEBUG", "MAIL_SUPPRESS_SEND", "SANDBOX"))
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SettingsError(Exception):
    """Settings are missing or wrong. The message names all of them."""

    def __init__(self, faults: list[str]) -> None:
        """`faults`: one sentence each."""
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"The settings need attention:\n{lines}")


def load(app: Flask, settings: Mapping[str, Any] | None = None) -> None:
    """Fill `app.config`. A setting that is wrong keeps its default and is added to FAULTS.

    UNKNOWN gets the names with our prefix that are no settings. They are not read.

    1. Start with the defaults.
    2. Add `settings`, or without them the environment: `SIGNUP_NAME`, also from `.env`.
    3. Read secrets from files: `SIGNUP_NAME_FILE`.
    4. Convert and check each value.
    5. Derive the defaults that depend on other settings.
    """
    config = app.config
    config.from_mapping(DEFAULTS, FAULTS={})
    if settings is None:
        settings = _environment(app)
    else:
        unknown = [name for name in settings if name not in KNOWN and name not in config]
        config["UNKNOWN"] = [f"{PREFIX}_{name}" for name in unknown]
    config.from_mapping(settings)
    # Links are signed with the URL as it was written, so that a normal form breaks no link.
    config["SIGNED_URL"] = str(config["PUBLIC_URL"] or "").rstrip("/")
    _read_secret_files(config)
    for name, default in DEFAULTS.items():
        try:
            config[name] = setting_values.convert(name, default, config[name])
        except ValueError as error:
            config["FAULTS"][name] = f"{PREFIX}_{name} must be {error}"
            config[name] = default
    config["LEDGER"] = config["LEDGER"] or str(Path(app.instance_path) / "ledger.db")
    config["SITE_NAME"] = config["SITE_NAME"] or _panel_host(config)


def require(app: Flask) -> None:
    """Raise SettingsError unless every setting is valid and the ledger is open."""
    found = [*faults(app), app.extensions["ledger_fault"]]
    if any(found):
        raise SettingsError([fault for fault in found if fault])


def faults(app: Flask) -> Iterator[str]:
    """Yield what is missing or wrong and what to do, one sentence each."""
    config = app.config
    for name in REQUIRED:
        # What an unreadable `.env` has may not be missing.
        if not config[name] and not {name, ENV_FILE} & set(config["FAULTS"]):
            yield f"{PREFIX}_{name} is missing"
    yield from config["FAULTS"].values()
    yield from _name_faults(config)
    yield from secret_keys.faults(config)
    yield from _mail_faults(config)
    yield from _path_faults(app)
    if config["DEBUG"]:
        yield "FLASK_DEBUG must not be set: error pages would run code for anybody"
    if config["KEEP_DAYS"] < config["REAPPLY_DAYS"]:
        yield (
            f"{PREFIX}_KEEP_DAYS must be at least {PREFIX}_REAPPLY_DAYS,"
            f" {config['REAPPLY_DAYS']}: a decline that is forgotten bars nobody"
        )
    if config["AUTHOR_ROLE"] == SUPER_ADMIN:
        yield f"{PREFIX}_AUTHOR_ROLE must not be {SUPER_ADMIN}: anybody could apply for it"


def warnings(config: Config) -> Iterator[str]:
    """Yield what is probably a mistake, and does not keep the service from starting."""
    for variable in config["UNKNOWN"]:
        if not _meant_by(variable):
            yield f"{variable} is not a setting: it changes nothing"


def _environment(app: Flask) -> dict[str, Any]:
    """Return the settings in `.env` and the environment, read as JSON where they are JSON."""
    if get_load_dotenv() and (fault := env_file.load(Path(app.root_path) / ENV_FILE)):
        app.config["FAULTS"][ENV_FILE] = fault
    app.config["UNKNOWN"] = [*setting_names.unknown_in_environment(f"{PREFIX}_", KNOWN)]
    values: dict[str, Any] = {}
    for name in KNOWN:
        text = os.environ.get(f"{PREFIX}_{name}")
        if text is not None:
            try:
                values[name] = json.loads(text)
            except (ValueError, RecursionError):
                values[name] = text
    return values


def _name_faults(config: Config) -> Iterator[str]:
    for variable in config["UNKNOWN"]:
        if meant := [f"{PREFIX}_{name}" for name in _meant_by(variable)]:
            yield f"{variable} is not a setting: did you mean {' or '.join(meant)}?"


def _meant_by(variable: str) -> list[str]:
    return setting_names.meant_by(variable[len(PREFIX) + 1 :], [*DEFAULTS, *SECRET_FILES])


def _path_faults(app: Flask) -> Iterator[str]:
    """Refuse a path that is also a page: a proxy that removes it would leave us another page."""
    path = urlsplit(app.config["PUBLIC_URL"] or "").path
    pages = [rule.rule for rule in app.url_map.iter_rules()]
    if path not in ("", FORM_PAGES[0]) and any(f"{page}/".startswith(f"{path}/") for page in pages):
        yield (
            f"{PREFIX}_PUBLIC_URL must not have the path {path}, because it is that of a page of"
            " this service: use another one, such as /join"
        )


def _mail_faults(config: Config) -> Iterator[str]:
    if config.get("MAIL_SUPPRESS_SEND") and not config.get("SANDBOX"):
        yield f"{PREFIX}_MAIL_SUPPRESS_SEND must not be set: it throws all emails away"
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
            except ValueError as error:
                config["FAULTS"][name] = f"{PREFIX}_{name}_FILE cannot be read: {error}"
                config[name] = DEFAULTS[name]


def _panel_host(config: Config) -> str | None:
    """Return the host of Strapi's panel as people read it."""
    host = urlsplit(config["STRAPI_ADMIN_URL"] or "").hostname
    return domains.to_unicode(host) or host
