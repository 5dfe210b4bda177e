"""IPs of visitors, as proxies write them, and the networks to which they belong."""

import ipaddress
import re

UNKNOWN = "unknown"
# An IP with a port, or in brackets: 203.0.113.1:40001, [2001:db8::1]:443.
WITH_PORT = re.compile(r"\[(?P<in_brackets>[^\]]*)\](?::\d*)?|(?P<v4>[\d.]+):\d*", re.ASCII)
# IPv4 visitors of a server that has IPv6 alone (RFC 6052). Their IPv4 is in the last 32 bits.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


def normalized(text: str | None) -> str | None:
    """Return the IP in its shortest form, without a port; None when the text has no IP.

    An IPv4 that is written as an IPv6 is returned as an IPv4.
    """
    ip = _parse(text)
    return None if ip is None else str(ip)


def of_visitor(ip: str | None) -> str:
    """Return the IP; for IPv6 its /64 network, because a visitor can use all of that."""
    return _network(ip, 32, 64).removesuffix("/32")


def of_provider(ip: str | None) -> str:
    """Return the /24 network of an IPv4, or the /48 network of an IPv6: what is cheap to rent."""
    return _network(ip, 24, 48)


def _network(ip: str | None, v4_bits: int, v6_bits: int) -> str:
    found = _parse(ip)
    if found is None:
        # A proxy on a Unix socket sends no IP, and some proxies send "unknown".
        return UNKNOWN
    bits = v4_bits if found.version == 4 else v6_bits
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False))


def _parse(text: str | None) -> IP | None:
    plain = (text or "").strip(' "')
    if found := WITH_PORT.fullmatch(plain):
        plain = found["in_brackets"] or found["v4"] or ""
    try:
        # What follows "%" names a network card of this machine.
        ip = ipaddress.ip_address(plain.partition("%")[0])
    except ValueError:
        return None
    if ip.version == 4:
        return ip
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip
