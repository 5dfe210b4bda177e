"""Networks of IPs: the one that a visitor has, and the one that a provider gives to a customer."""

import ipaddress

UNKNOWN = "unknown"


def of_visitor(ip: str | None) -> str:
    """Return the IP; for IPv6 its /64 network, because a visitor can use all of that."""
    return _network(ip, 32, 64).removesuffix("/32")


def of_provider(ip: str | None) -> str:
    """Return the /24 network of an IPv4, or the /48 network of an IPv6: what is cheap to rent."""
    return _network(ip, 24, 48)


def _network(ip: str | None, v4_bits: int, v6_bits: int) -> str:
    try:
        found = ipaddress.ip_address(ip or "")
    except ValueError:
        # A proxy on a Unix socket sends no IP, and some proxies send "unknown".
        return UNKNOWN
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.IPv6Network((int(found), v6_bits), strict=False))
        # ::ffff:192.0.2.1 is an IPv4, as a socket for both versions shows it.
        found = found.ipv4_mapped
    return str(ipaddress.IPv4Network((int(found), v4_bits), strict=False))
