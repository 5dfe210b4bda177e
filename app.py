"""Author signup for Strapi: the table of contents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask.cli import load_dotenv
from flask.helpers import get_load_dotenv

from signup import (
    branding,
    cli,
    databases,
    errors,
    health,
    i18n,
    logging,
    public,
    rate_limits,
    review,
    sandbox,
    secret_keys,
    security,
    settings,
)
from signup.api import views
from signup.mail import worker

PARTS = (
    logging,
    security,
    databases,
    rate_limits,
    errors,
    i18n,
    branding,
    public,
    review,
    views,
    health,
    worker,
    cli,
    sandbox,
)


def create_app(configured: Mapping[str, Any] | None = None) -> Flask:
    """The application, from these settings or from the environment; whatever is wrong with
    them is for `flask check` to tell, and for `serve` to refuse."""
    app = Flask(__name__)
    settings.load(app, configured)
    for part in PARTS:
        part.init_app(app)
    return app


def serve() -> Flask:
    """The application with a running courier, for gunicorn. Raises SettingsError."""
    if get_load_dotenv():
        load_dotenv()
    app = create_app()
    settings.require(app)
    for problem in secret_keys.exposed(app.config, Path(app.root_path)):
        app.logger.warning("secret exposed", extra={"error": problem})
    app.extensions["worker"].start()
    app.logger.info("started", extra={"proxies": app.config["PROXIES"]})
    return app
