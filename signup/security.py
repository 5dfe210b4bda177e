"""What every answer and every request is held to: headers, cookies, origins."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from models.sessions import LONGEST

# Nothing but our own stylesheets, scripts and pictures, nothing inline, no frame.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # With no-referrer, browsers would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def init_app(app: Flask) -> None:
    """Configure cookies, limits, proxies and headers."""
    https = urlsplit(app.config["PUBLIC_URL"] or "").scheme == "https"
    app.config.update(
        MAX_CONTENT_LENGTH=16 * 1024,
        PERMANENT_SESSION_LIFETIME=LONGEST,
        SESSION_COOKIE_NAME="__Host-signup" if https else "signup",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
    )
    app.session_interface = Sessions()
    path = urlsplit(app.config["PUBLIC_URL"] or "").path
    app.wsgi_app = PublicPath(app.wsgi_app, path)  # type: ignore[method-assign]
    if proxies := app.config["PROXIES"]:
        trusting = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)
        app.wsgi_app = trusting  # type: ignore[method-assign]
    app.before_request(refuse_endless)
    app.before_request(refuse_strangers)
    app.after_request(add_headers)


def refuse_endless() -> None:
    """Refuse a body that does not tell its length: it would be cut at the limit, and what is
    left of it believed."""
    if "Transfer-Encoding" in request.headers:
        abort(411)


def refuse_strangers() -> None:
    """Refuse what another site makes a visitor's browser send."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(400, "This was sent from another site.")
    origin = request.headers.get("Origin")
    ours = request.host, urlsplit(current_app.config["PUBLIC_URL"] or "").netloc
    if origin is not None and origin.partition("://")[2] not in ours:
        abort(400, "This was sent from another site.")


def add_headers(response: Response) -> Response:
    """Add the headers that every answer carries, errors too."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie, with SHA-256 for its SHA-1."""

    digest_method = staticmethod(hashlib.sha256)


class PublicPath:
    """Makes the app live under the path of `PUBLIC_URL`, whether or not the proxy before it
    has cut that path off."""

    def __init__(self, wsgi_app: Any, path: str) -> None:
        """Wrap `wsgi_app`; `path` is empty or begins with a slash."""
        self.wsgi_app = wsgi_app
        self.path = path.rstrip("/")

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve one request."""
        environ["SCRIPT_NAME"] = self.path
        if self.path and f"{environ['PATH_INFO']}/".startswith(f"{self.path}/"):
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(self.path) or "/"
        return self.wsgi_app(environ, start_response)
