"""Connections without TLS that leave this machine and private networks: `flask check` warns."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from flask import Config

from models.engines import file_from_url

# This machine (RFC 1122, 4291), private networks (RFC 1918, 4193) and links (RFC 3927, 4291).
NEAR = [
    ipaddress.ip_network(network)
    for network in (
        *("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        *("fc00::/7", "169.254.0.0/16", "fe80::/10"),
    )
]
# Names in private networks (RFC 6761, 6762, 8375; ICANN reserved "internal").
NEAR_NAMES = ("localhost", "local", "internal", "lan", "home.arpa")
# The values of PostgreSQL's sslmode that never fall back to a connection without TLS.
ENCRYPTED_MODES = ("require", "verify-ca", "verify-full")


def unencrypted(config: Config) -> Iterator[str]:
    """Yield what crosses a network in clear, and what to do, one sentence each."""
    for name, what in (("PUBLIC_URL", "links and passwords"), ("STRAPI_ADMIN_URL", "passwords")):
        url = urlsplit(config[name] or "")
        # Browsers open these URLs, so how this machine resolves the name tells nothing.
        if url.scheme == "http" and not _is_near(url.hostname or ""):
            yield f"SIGNUP_{name} is http, so {what} cross the network in clear: serve https"
    server = config["MAIL_SERVER"]
    encrypted = config["MAIL_USE_TLS"] or config["MAIL_USE_SSL"]
    if server and not encrypted and not _resolves_near(server):
        yield (
            f"emails to {server} cross the network in clear, with their links: set"
            " SIGNUP_MAIL_USE_TLS=true or SIGNUP_MAIL_USE_SSL=true"
        )
    for name in ("STRAPI_DATABASE", "LEDGER"):
        if config[name] and _is_open_database(config[name]):
            yield (
                f"the connection to SIGNUP_{name} may cross the network in clear: add"
                " ?sslmode=verify-full&sslrootcert=… (PostgreSQL) or ?ssl_ca=… (MySQL) to the URL"
            )


def _is_open_database(url: str) -> bool:
    """Return whether a URL names a server elsewhere, and does not demand TLS."""
    if file_from_url(url) is not None:
        return False
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme.startswith("postgres"):
        mode = options.get("sslmode", os.environ.get("PGSSLMODE", ""))
        encrypted, host = mode in ENCRYPTED_MODES, options.get("host", parts.hostname)
    else:
        encrypted = (
            any(name.startswith("ssl") for name in options) and "ssl_disabled" not in options
        )
        host = None if "unix_socket" in options else parts.hostname
    # Without a host, or with a path, the server is on this machine.
    return not encrypted and not all(map(_resolves_near, (host or "/").split(",")))


def _resolves_near(host: str) -> bool:
    """Return whether this machine reaches a host without leaving private networks."""
    if _is_near(host):
        return True
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return all(_is_near(str(address[0])) for *_, address in found)


def _is_near(host: str) -> bool:
    if host.startswith("/"):
        return True
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        name = host.lower().rstrip(".")
        return "." not in name or name.endswith(tuple(f".{each}" for each in NEAR_NAMES))
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return any((mapped or ip) in network for network in NEAR)
