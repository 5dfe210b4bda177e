"""Signed links: create and verify them. Also the URLs that pages and emails link to."""

import hashlib
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

# One purpose for each salt: a link for one purpose does not work for another. They are signed.
CONFIRM = "confirm"
STOP = "stop"
# Seconds that the clock of the machine that signed a link may be ahead of ours.
MAX_CLOCK_SKEW = 120
# Seconds for which the link of an email after the confirmation works, and "this wasn't me".
LATER_LIFE = 30 * 86400
STOP_LIFE = 30 * 86400


class InvalidLink(Exception):
    """The link is damaged, or this service never signed it for this purpose."""


class LinkFromFuture(Exception):
    """The link is genuine, but the clock that signed it is too far ahead of ours."""


@dataclass(frozen=True)
class Link:
    """A genuine link: its signup's random key, its age in seconds, and `detail`.

    For the page of a signup, `detail` is the generation: 1 in the first email. An email that
    somebody asks for later replaces the links before it, and has the next number. The number is
    negative in emails after the confirmation. For a stop link, it is the hash of the mailbox.
    """

    key: str
    detail: int | str
    age: int

    @property
    def generation(self) -> int:
        """The number of this link. A signup's link with a lower one than the newest is replaced."""
        return abs(int(self.detail))

    @property
    def is_later(self) -> bool:
        """Whether an email after the confirmation has this link."""
        return int(self.detail) < 0


def read_link(purpose: str, token: str) -> Link:
    """Verify a token and return its link.

    Raises:
        InvalidLink: the signature is wrong, or it was made for another purpose.
        LinkFromFuture: the link was signed in the future.

    """
    try:
        content, signed_at = _signer(purpose).loads(token, return_timestamp=True)
    except BadData as error:
        raise InvalidLink from error
    # itsdangerous calls a link from the future expired, so its own check is not used.
    age = int(time.time()) - int(signed_at.timestamp())
    if age < -MAX_CLOCK_SKEW:
        raise LinkFromFuture
    # Up to version 0.2, a link contained only the key.
    key, detail = content if isinstance(content, list) else (content, 1)
    return Link(str(key), detail, age)


def link_url(purpose: str, key: str, detail: int | str) -> str:
    """Return the URL of a new link, for an email. The link is stored nowhere."""
    return public_url(f"link.{purpose}", token=_signer(purpose).dumps([key, detail]))


def public_url(endpoint: str, **values: object) -> str:
    """Return a page's URL under `PUBLIC_URL`, whatever a request's Host header says."""
    public = urlsplit(current_app.config["PUBLIC_URL"])
    adapter = current_app.url_map.bind(public.netloc, public.path or "/", url_scheme=public.scheme)
    return adapter.build(endpoint, values, force_external=True)


def panel_urls() -> dict[str, str]:
    """Return the URLs in Strapi's panel for logging in and for asking for a new password."""
    url = current_app.config["STRAPI_ADMIN_URL"].rstrip("/")
    return {"login_url": url, "forgot_url": f"{url}/auth/forgot-password"}


def panel_user_url(strapi_id: int) -> str:
    """Return the URL in Strapi's panel of one admin user."""
    return f"{panel_urls()['login_url']}/settings/users/{strapi_id}"


def signing_keys() -> list[str]:
    """Return the secret keys, newest first. The newest one signs, and all of them verify."""
    config = current_app.config
    return [config["SECRET_KEY"], *reversed(config["SECRET_KEY_FALLBACKS"])]


def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        # itsdangerous signs with the last key and verifies with all.
        signing_keys()[::-1],
        # With PUBLIC_URL in the salt, a test installation with the same key signs other links.
        salt=f"{purpose} {current_app.config['SIGNED_URL']}",
        signer_kwargs={"digest_method": hashlib.sha256},
    )
