"""Domains of e-mail addresses: which of them may apply."""

from collections.abc import Sequence

import idna


def normal(pattern: str) -> str:
    """A domain, or `*.` and one for all below it, in the form in which addresses are compared:
    lower case, and ASCII as the DNS has it (RFC 5890). Raises ValueError."""
    star, name = ("*.", pattern[2:]) if pattern.startswith("*.") else ("", pattern)
    return star + idna.encode(name.lstrip("@"), uts46=True).decode().lower()


def complaint(email: str, allowed: Sequence[str], blocked: Sequence[str]) -> str | None:
    """What somebody whose address may not apply can do about it; None for everybody else."""
    domain = email.rpartition("@")[2]
    if _is_among(domain, blocked):
        return f"Addresses at {domain} cannot be used here. Use another address."
    if allowed and not _is_among(domain, allowed):
        return f"Use an address at {' or '.join(allowed)}."
    return None


def _is_among(domain: str, patterns: Sequence[str]) -> bool:
    return any(
        domain.endswith(pattern[1:]) if pattern.startswith("*.") else domain == pattern
        for pattern in patterns
    )
