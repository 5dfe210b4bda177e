"""The application: the list of its parts, and what gunicorn starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from models.log_events import LogEvent
from signup import (
    branding,
    cli,
    databases,
    errors,
    health,
    i18n,
    log_sums,
    logging,
    proxies,
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
    log_sums,
    security,
    proxies,
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
    """Return the application, with these settings or those in the environment and in `.env`.

    Wrong settings do not raise: `flask check` names them, and `serve` refuses them.
    """
    app = Flask(__name__)
    settings.load(app, configured)
    for part in PARTS:
        part.init_app(app)
    return app


def serve() -> Flask:
    """Return the application with a running worker, for gunicorn. Raises SettingsError."""
    app = create_app()
    settings.require(app)
    for warning in settings.warnings(app.config):
        app.logger.warning(LogEvent.SETTING_UNKNOWN, extra={"error": warning})
    for problem in secret_keys.exposed(app.config, Path(app.root_path)):
        app.logger.warning(LogEvent.SECRET_EXPOSED, extra={"error": problem})
    app.extensions["worker"].start()
    app.logger.info(LogEvent.STARTED, extra={"proxies": app.config["PROXIES"]})
    return app
