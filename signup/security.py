"""Checks of every request (host, origin, body), and the cookies and headers of every answer."""

import hashlib
import logging
import re
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from models import networks
from models.log_events import LogEvent
from models.reviewers.sessions import MAX_AGE

log = logging.getLogger(__name__)

# Only our own stylesheets, scripts and images. Nothing inline, and no frames.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # With "no-referrer", browsers hide the origin of our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
YEAR = "max-age=31536000; includeSubDomains"
# A Host header: a name or an IP, and perhaps a port. It may be empty.
HOST = re.compile(r"(?:(?:[\w-]+\.)*[\w-]+\.?|\[[\da-fA-F:.]+\])?(?::\d{1,5})?", re.ASCII)
# Names of this machine, for checks and trials on it.
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# The pages below the form. `PublicPath` explains them.
FORM_PAGES = ("/signup", "/signup/sent", "/signup/again")
# Bytes of a body, names of form fields, and values of form fields. A form of the queue has up to
# 25 values of one field.
MAX_BODY, MAX_NAMES, MAX_VALUES = 16 * 1024, 20, 50


def init_app(app: Flask) -> None:
    """Configure cookies, limits, proxies and headers, and add the checks of requests."""
    public = urlsplit(app.config["PUBLIC_URL"] or "")
    https = public.scheme == "https"
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_PARTS=MAX_VALUES,
        PERMANENT_SESSION_LIFETIME=MAX_AGE,
        SESSION_COOKIE_DOMAIN=None,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_NAME="__Host-signup" if https else "signup",
        # Browsers refuse a `__Host-` cookie with another path, even if PUBLIC_URL has one.
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
    )
    app.session_interface = SHA256Sessions(app)
    app.wsgi_app = PublicPath(app.wsgi_app, public.path)  # type: ignore[method-assign]
    app.wsgi_app = PlainIP(app.wsgi_app)  # type: ignore[method-assign]
    if proxies := app.config["PROXIES"]:
        fixed = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)
        app.wsgi_app = fixed  # type: ignore[method-assign]
    for check in (refuse_other_hosts, refuse_other_sites, refuse_unknown_length, refuse_large_body):
        app.before_request(check)
    app.after_request(add_headers)


def refuse_other_hosts() -> None:
    """Answer 400 to a request for another host: an attacker's domain may point to this machine.

    A monitor may ask for /healthz under any host.
    """
    host = _hostname(request.environ.get("HTTP_HOST", ""))
    public = urlsplit(current_app.config["PUBLIC_URL"] or "").hostname
    if host not in ("", public, *LOOPBACK) and request.path != "/healthz":
        log.warning(LogEvent.HOST_REFUSED, extra={"host": host})
        abort(400)


def refuse_other_sites() -> None:
    """Answer 400 to a form, or a login to the API, that another site made the browser send.

    A picture at https://sue@example.com:x@…/api/authors would count as a failed login.
    """
    is_login = request.blueprint == "api" and "Authorization" in request.headers
    if request.method in ("GET", "HEAD", "OPTIONS") and not is_login:
        return
    public = urlsplit(current_app.config["PUBLIC_URL"] or "")
    ours = f"{public.scheme}://{public.netloc}", f"{request.scheme}://{request.host}"
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # A proxy may replace our Referrer-Policy with "no-referrer", which hides the origin.
    hidden = origin == "null" and site == "same-origin"
    if site not in (None, "same-origin", "none") or (origin not in (None, *ours) and not hidden):
        log.warning(LogEvent.SITE_REFUSED, extra={"origin": origin, "site": site})
        abort(400)


def refuse_unknown_length() -> None:
    """Answer 411 to a body without a length, because only its beginning would be read."""
    if "Transfer-Encoding" in request.headers:
        abort(411)


def refuse_large_body() -> None:
    """Answer 413 to a body that is too long, or a form with more fields than our pages have."""
    if not request.content_length:
        return
    if request.content_length > MAX_BODY:
        abort(413)
    # Keeps the raw body, because forms.py reads it after the form was parsed.
    request.get_data()
    if len(request.form) > MAX_NAMES or sum(1 for _ in request.form.items(multi=True)) > MAX_VALUES:
        abort(413)


def add_headers(response: Response) -> Response:
    """Add the headers of every answer, including errors."""
    present = {name.lower() for name, _ in response.headers}
    missing = {name: value for name, value in HEADERS.items() if name.lower() not in present}
    response.headers.extend(missing)
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


class SHA256Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie with SHA-256 instead of SHA-1, and one signer for all requests."""

    digest_method = staticmethod(hashlib.sha256)

    def __init__(self, app: Flask) -> None:
        """Create the signer, with the keys of `app`."""
        self._signer = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> Any:  # noqa: ARG002
        """Return the signer."""
        return self._signer


class PlainIP:
    """Middleware that makes `REMOTE_ADDR` an IP in its shortest form, or "unknown".

    Some proxies add a port or brackets, and some sockets show an IPv4 as an IPv6.
    """

    def __init__(self, wsgi_app: Any) -> None:
        """Wrap `wsgi_app`."""
        self.wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve a request."""
        ip = networks.normalized(environ.get("REMOTE_ADDR"))
        environ["REMOTE_ADDR"] = ip or networks.UNKNOWN
        return self.wsgi_app(environ, start_response)


class PublicPath:
    """Middleware that serves the app under the path of `PUBLIC_URL`.

    It works with a proxy that removes this path from requests, and with one that does not.
    Only under the path /signup, a request for /signup may be for the form or, from a proxy that
    does not remove the path, for the front page. Both get the form.
    """

    def __init__(self, wsgi_app: Any, path: str) -> None:
        """Wrap `wsgi_app`; `path` is empty or begins with a slash."""
        self.wsgi_app = wsgi_app
        self.path = path.rstrip("/")

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve a request."""
        environ["SCRIPT_NAME"] = self.path
        # With an invalid Host, Werkzeug can build no URL, not even for the error page.
        if not HOST.fullmatch(environ.get("HTTP_HOST", "")):
            environ["HTTP_HOST"] = "none.invalid"
        path = environ["PATH_INFO"]
        if self.path and f"{path}/".startswith(f"{self.path}/") and path not in FORM_PAGES:
            environ["PATH_INFO"] = path.removeprefix(self.path) or "/"
        return self.wsgi_app(environ, start_response)
