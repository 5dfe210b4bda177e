"""What every request is held to, and every answer: hosts, origins, bodies; cookies, headers."""

import hashlib
import logging
import re
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from models.log_events import LogEvent
from models.reviewers.sessions import LONGEST

log = logging.getLogger(__name__)

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
YEAR = "max-age=31536000; includeSubDomains"
# A name or an address, and perhaps a port; empty where a request names none.
HOST = re.compile(r"(?:(?:[\w-]+\.)*[\w-]+\.?|\[[\da-fA-F:.]+\])?(?::\d{1,5})?", re.ASCII)
# How this machine calls itself: who checks the service from here, or tries it out.
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# The longest body in bytes; the most names in a form; and the most values, of which those who
# were chosen in a page of the list are 25.
BODY, NAMES, VALUES = 16 * 1024, 20, 50


def init_app(app: Flask) -> None:
    """Configure cookies, limits, proxies and headers."""
    public = urlsplit(app.config["PUBLIC_URL"] or "")
    https = public.scheme == "https"
    app.config.update(
        MAX_CONTENT_LENGTH=BODY,
        MAX_FORM_PARTS=VALUES,
        PERMANENT_SESSION_LIFETIME=LONGEST,
        SESSION_COOKIE_DOMAIN=None,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_NAME="__Host-signup" if https else "signup",
        # Also where `PUBLIC_URL` has a path: browsers take no `__Host-` with another one.
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
    )
    app.session_interface = Sessions(app)
    app.wsgi_app = PublicPath(app.wsgi_app, public.path)  # type: ignore[method-assign]
    if proxies := app.config["PROXIES"]:
        trusting = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)
        app.wsgi_app = trusting  # type: ignore[method-assign]
    for refuse in (refuse_other_hosts, refuse_other_sites, refuse_endless, refuse_floods):
        app.before_request(refuse)
    app.after_request(add_headers)


def refuse_other_hosts() -> None:
    """Refuse requests for another site's name: nobody comes by one but who made it point here.
    A monitor may call the machine as it likes."""
    host = _hostname(request.environ.get("HTTP_HOST", ""))
    public = urlsplit(current_app.config["PUBLIC_URL"] or "").hostname
    if host not in ("", public, *LOOPBACK) and request.path != "/healthz":
        log.warning(LogEvent.HOST_REFUSED, extra={"host": host})
        abort(400)


def refuse_other_sites() -> None:
    """Refuse what another site makes a visitor's browser send."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    public = urlsplit(current_app.config["PUBLIC_URL"] or "")
    ours = f"{public.scheme}://{public.netloc}", f"{request.scheme}://{request.host}"
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none") or origin not in (None, *ours):
        log.warning(LogEvent.SITE_REFUSED, extra={"origin": origin, "site": site})
        abort(400)


def refuse_endless() -> None:
    """Refuse a body that does not tell its length: it would be cut at the limit, and what is
    left of it believed."""
    if "Transfer-Encoding" in request.headers:
        abort(411)


def refuse_floods() -> None:
    """Refuse a body that is too long, and a form of more fields than any page of ours has."""
    if not request.content_length:
        return
    if request.content_length > BODY:
        abort(413)
    # Kept as it came, for whoever looks at it after the form has been read.
    request.get_data()
    if len(request.form) > NAMES or sum(1 for _ in request.form.items(multi=True)) > VALUES:
        abort(413)


def add_headers(response: Response) -> Response:
    """Add the headers that every answer carries, errors too."""
    own = {name.lower() for name, _ in response.headers}
    response.headers.extend({name: HEADERS[name] for name in HEADERS if name.lower() not in own})
    if request.endpoint != "static" or response.status_code >= 400:
        response.headers.setdefault("Cache-Control", "no-store")
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = YEAR
    return response


def _hostname(host: str) -> str | None:
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".") if host else ""
    except ValueError:
        return None


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie, with SHA-256 for its SHA-1, and one signer for all requests."""

    digest_method = staticmethod(hashlib.sha256)

    def __init__(self, app: Flask) -> None:
        """Sign with the keys of `app`."""
        self._signer = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> Any:  # noqa: ARG002
        """What signs and verifies."""
        return self._signer


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
        # Of a Host that is no name, werkzeug makes no address at all, not even of the page that
        # says so.
        if not HOST.fullmatch(environ.get("HTTP_HOST", "")):
            environ["HTTP_HOST"] = "none.invalid"
        if self.path and f"{environ['PATH_INFO']}/".startswith(f"{self.path}/"):
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(self.path) or "/"
        return self.wsgi_app(environ, start_response)
