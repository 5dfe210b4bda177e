"""Domains of e-mail addresses: which of them may apply, and what they tell a reviewer."""

from collections.abc import Sequence
from pathlib import Path

import idna
from disposable_email_domains import blocklist as throw_away

from signup import i18n
from signup.i18n import gettext

# Where anybody gets a mailbox, so that it tells nothing about its owner; the largest ones.
COMMON = frozenset(Path(__file__).with_name("free_mail.txt").read_text().split())


def normal(pattern: str) -> str:
    """A domain, or `*.` and one for all below it, in the form in which addresses are compared:
    lower case, and ASCII as the DNS has it (RFC 5890). Raises ValueError."""
    star, name = ("*.", pattern[2:]) if pattern.startswith("*.") else ("", pattern)
    return star + idna.encode(name.lstrip("@"), uts46=True).decode().lower()


def fault(email: str, allowed: Sequence[str], blocked: Sequence[str]) -> str | None:
    """What somebody whose address may not apply can do about it; None for everybody else."""
    domain = email.rpartition("@")[2]
    if _is_among(domain, blocked):
        return gettext(
            "Addresses at %(domain)s cannot be used here. Use another address.", domain=domain
        )
    if allowed and not _is_among(domain, allowed):
        return gettext("Use an address at %(domains)s.", domains=i18n.listed(allowed, "or"))
    return None


def kind(domain: str | None) -> str:
    """`free` or `throw-away` where anybody gets a mailbox there, or one for minutes."""
    name = domain or ""
    parents = [name[start:] for start in _starts(name)]
    if any(parent in throw_away for parent in parents):
        return "throw-away"
    return "free" if name in COMMON else ""


def reading(domain: str | None) -> str:
    """How a domain with other letters than ASCII's is written by people; it may be mistaken
    for another. Empty for every other domain."""
    name = domain or ""
    if "xn--" not in name:
        return ""
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return ""


def _is_among(domain: str, patterns: Sequence[str]) -> bool:
    return any(
        domain.endswith(pattern[1:]) if pattern.startswith("*.") else domain == pattern
        for pattern in patterns
    )


def _starts(name: str) -> list[int]:
    return [0, *(place + 1 for place, character in enumerate(name) if character == ".")]
