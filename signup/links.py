"""Signed links: what they carry, how long they live, and whose address they start with."""

import hashlib
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

# One salt for each purpose: a link made for one is worthless for another.
CONFIRM = "confirm"
STOP = "stop"
# Seconds by which the clock of the machine that signed may be ahead of ours.
SKEW = 120


class InvalidLink(Exception):
    """The link is damaged, or was never signed by this service for this purpose."""


class LinkFromFuture(Exception):
    """The link was signed by a clock too far ahead of ours: true, but not yet."""


@dataclass(frozen=True)
class Link:
    """A genuine link: the random key that it carries, the how-manieth of this key it is, and
    whether its life is over."""

    key: str
    generation: int
    expired: bool


def read(purpose: str, token: str) -> Link:
    """The link that `token` stands for. Raises NotOurs, FromTheFuture."""
    try:
        content, signed_at = _signer(purpose).loads(token, return_timestamp=True)
    except BadData as error:
        raise InvalidLink from error
    # itsdangerous calls a link from a clock ahead of ours expired; so the age is judged here.
    age = int(time.time()) - int(signed_at.timestamp())
    if age < -SKEW:
        raise LinkFromFuture
    # Up to version 0.2, links carried the key alone.
    key, generation = content if isinstance(content, list) else (content, 1)
    return Link(str(key), generation, age > current_app.config["LINK_MAX_AGE"])


def link_url(purpose: str, key: str, generation: int = 1) -> str:
    """A fresh link of a purpose, as it goes into a letter; it is stored nowhere."""
    return public_url(f"link.{purpose}", token=_signer(purpose).dumps([key, generation]))


def public_url(endpoint: str, **values: str) -> str:
    """The address of a page as people reach it, whatever a request's Host header says."""
    public = urlsplit(current_app.config["PUBLIC_URL"])
    adapter = current_app.url_map.bind(public.netloc, public.path or "/", url_scheme=public.scheme)
    return adapter.build(endpoint, values, force_external=True)


def panel() -> dict[str, str]:
    """Where authors log in to Strapi, and where they ask for a new password."""
    url = current_app.config["STRAPI_ADMIN_URL"].rstrip("/")
    return {"login_url": url, "forgot_url": f"{url}/auth/forgot-password"}


def panel_user_url(strapi_id: int) -> str:
    """Where Strapi's panel shows one of its administrators."""
    return f"{panel()['login_url']}/settings/users/{strapi_id}"


def signing_keys() -> list[str]:
    """The keys that verify, the newest, which signs, first."""
    config = current_app.config
    return [config["SECRET_KEY"], *reversed(config["SECRET_KEY_FALLBACKS"])]


def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        # itsdangerous signs with the last key and verifies with all.
        signing_keys()[::-1],
        # A link of a test installation that shares our key is none of ours.
        salt=f"{purpose} {current_app.config['PUBLIC_URL']}",
        signer_kwargs={"digest_method": hashlib.sha256},
    )
