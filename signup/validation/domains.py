"""Email domains: which ones may apply, and what they tell a reviewer."""

from collections.abc import Sequence
from pathlib import Path

import idna
from disposable_email_domains import blocklist as throw_away_domains

from models.emails import ascii_domain
from signup import i18n
from signup.i18n import gettext

# The largest providers of free mailboxes. Their domain tells nothing about a mailbox's owner.
COMMON = frozenset(Path(__file__).with_name("free_mail.txt").read_text().split())


def normalize(pattern: str) -> str:
    """Return a domain, or `*.` and a domain, in lower case and in ASCII as in the DNS (RFC 5890).

    `*.example.com` stands for every domain below example.com. Raises ValueError.
    """
    star, name = ("*.", pattern[2:]) if pattern.startswith("*.") else ("", pattern)
    return star + ascii_domain(name.lstrip("@")).lower()


def fault(email: str, allowed: Sequence[str], blocked: Sequence[str]) -> str | None:
    """Return a message when an email of this domain may not apply, else None.

    `allowed` and `blocked` are patterns from `normalize`. An empty `allowed` allows every domain.
    """
    domain = email.rpartition("@")[2]
    if _matches_any(domain, blocked):
        return gettext(
            "Addresses at %(domain)s cannot be used here. Use another address.", domain=domain
        )
    if allowed and not _matches_any(domain, allowed):
        return gettext("Use an address at %(domains)s.", domains=i18n.join_list(allowed, "or"))
    return None


def kind(domain: str | None) -> str:
    """Return "throw-away" for mailboxes that live minutes, "free" for free ones, or ""."""
    name = domain or ""
    if any(parent in throw_away_domains for parent in _with_parents(name)):
        return "throw-away"
    return "free" if name in COMMON else ""


def to_unicode(domain: str | None) -> str:
    """Return a domain as people read it if it has letters beyond ASCII, else "".

    Reviewers see it, because such a domain can be mistaken for another one.
    """
    name = domain or ""
    if "xn--" not in name:
        return ""
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return ""


def _matches_any(domain: str, patterns: Sequence[str]) -> bool:
    return any(
        domain.endswith(pattern[1:]) if pattern.startswith("*.") else domain == pattern
        for pattern in patterns
    )


def _with_parents(name: str) -> list[str]:
    """Return a domain and all domains above it: a.b.org, b.org, org."""
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]
