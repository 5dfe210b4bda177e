"""URLs as browsers send them (https://url.spec.whatwg.org), so that equal URLs are equal texts."""

import ipaddress
import re
import socket
from urllib.parse import SplitResult, quote, unquote, urlsplit

from models.emails import ascii_domain

EXAMPLE = "a URL like https://example.com/path"
DEFAULT_PORTS = {"http": 80, "https": 443}
# A name in the DNS. Browsers and container networks allow the underscore, too.
NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
# Browsers take a host whose last part is a number for an IPv4 address: 127.1, 0x7f000001.
ENDS_IN_NUMBER = re.compile(r"(.*\.)?(\d+|0x[\da-f]*)")
# What RFC 3986 allows in a path besides letters and digits, and what is encoded already.
PATH_CHARACTERS = "/%:@!$&'()*+,;=~"


def normalize(url: str) -> str:
    """Return the URL as browsers send it, without a slash at its end.

    Its host is in lower case and in ASCII, its path is percent-encoded, and a port that is the
    default of its scheme is left out.

    Raises ValueError, which says what the URL must be. It does not quote a password.
    """
    shown = "" if "@" in url else f", not {url!r}"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise ValueError(EXAMPLE + shown) from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "\\" in url or port == 0:
        raise ValueError(EXAMPLE + shown)
    if "@" in parts.netloc:
        raise ValueError(f"{EXAMPLE}, without a user and a password: everybody sees it")
    if parts.query or parts.fragment:
        raise ValueError(f"{EXAMPLE}, without ? and #{shown}")
    try:
        host = _host(parts.hostname)
    except (ValueError, OSError) as error:
        raise ValueError(f"{EXAMPLE}: its host must be a DNS name or an IP{shown}") from error
    other_port = f":{port}" if port and port != DEFAULT_PORTS[parts.scheme] else ""
    return f"{parts.scheme}://{host}{other_port}{_path(parts)}"


def normalize_public(url: str) -> str:
    """Return the URL under which this service is reached, as browsers send it.

    Raises ValueError, also for a path that has to be encoded: proxies decode it in different ways.
    """
    normalized = normalize(url)
    if "%" in normalized:
        raise ValueError(
            f"{EXAMPLE}: its path must have only letters from a to z, digits, - . _ ~ and /"
        )
    return normalized


def mail_host(url: str) -> str:
    """Return the host of a URL as emails and SMTP name it: an IP in brackets (RFC 5321 4.1.3)."""
    host = urlsplit(url).hostname or ""
    if ":" in host:
        return f"[IPv6:{host}]"
    return f"[{host}]" if ENDS_IN_NUMBER.fullmatch(host) else host


def _host(name: str) -> str:
    """Return the host in lower case and in ASCII. Raises ValueError, OSError."""
    if ":" in name:
        ip = ipaddress.IPv6Address(name)
        if ip.scope_id or ip.ipv4_mapped:
            raise ValueError("no host of a URL")
        return f"[{ip.compressed}]"
    name = unquote(name)
    if not name.isascii():
        name = ascii_domain(name)
    # The DNS allows a dot at the end. Certificates, cookies and emails do not.
    name = name.lower().removesuffix(".")
    if ENDS_IN_NUMBER.fullmatch(name):
        return socket.inet_ntoa(socket.inet_aton(name))
    if not NAME.fullmatch(name):
        raise ValueError("no host of a URL")
    return name


def _path(parts: SplitResult) -> str:
    path = parts.path.rstrip("/")
    if any(unquote(part) in ("", ".", "..") for part in path.split("/")[1:]):
        raise ValueError(f"{EXAMPLE}: its path must not have //, /./ or /../")
    return quote(path, safe=PATH_CHARACTERS)
