"""Notice a reverse proxy that the setting PROXIES leaves out: all visitors then share one IP."""

import logging

from flask import Flask, current_app, request

from models.log_events import LogEvent

log = logging.getLogger(__name__)

HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
LOOPBACK = ("127.0.0.1", "::1")
# So many visitors from one IP are no chance.
ENOUGH = 3
ADVICE = "set SIGNUP_PROXIES to the number of proxies in front of the service"


class HiddenVisitors:
    """The visitors behind one IP, as this process has seen them, until another IP comes."""

    def __init__(self) -> None:
        """Nobody was seen yet."""
        self._ips: set[str] = set()
        self._visitors: set[str] = set()

    @property
    def found(self) -> bool:
        """Whether all visitors come from one IP, by a proxy."""
        return len(self._ips) == 1 and len(self._visitors) >= ENOUGH

    def see(self, ip: str, visitor: str | None) -> bool:
        """Take note of a request, and of whom its headers name as the visitor, if anybody.

        Returns True for the request that makes it certain that visitors are hidden.
        """
        if len(self._ips) > 1 or (visitor is None and ip in LOOPBACK):
            return False
        known = self.found
        self._ips.add(ip)
        if visitor and not known:
            self._visitors.add(visitor)
        return self.found and not known


def init_app(app: Flask) -> None:
    """Watch the requests, unless the setting names proxies."""
    app.extensions["hidden_visitors"] = HiddenVisitors()
    if not app.config["PROXIES"]:
        app.before_request(watch)


def watch() -> None:
    """Log a warning once, when several visitors come from one IP by a proxy."""
    visitor = next((request.headers[name] for name in HEADERS if name in request.headers), None)
    if current_app.extensions["hidden_visitors"].see(request.remote_addr, visitor):
        fields = {"error": f"a proxy hides the IPs of all visitors: {ADVICE}"}
        log.warning(LogEvent.PROXY_UNKNOWN, extra=fields)


def visitors_are_hidden() -> bool:
    """Return whether this process has seen a proxy that PROXIES leaves out."""
    hidden: HiddenVisitors = current_app.extensions["hidden_visitors"]
    return hidden.found
