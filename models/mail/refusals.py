"""Refusals that may be our own fault: of the sender, the login, or a limit of our account.

They are in the ledger, so that every instance knows of them.
"""

from itertools import combinations

from models.mail.outbox import OutgoingEmail
from models.timestamps import EPOCH, now

# The newest refusals that are compared.
MAX_COMPARED = 1000


def record(email: OutgoingEmail, code: str) -> None:
    """Note that the mail server refused an email with this code, and it may be our fault."""
    row = OutgoingEmail.id == email.id
    OutgoingEmail.update(refused_code=code[:32], refused_at=now()).where(row).execute()


def current_code() -> str | None:
    """Return the code of the newest refusal if the mail server refuses us; None if it does not.

    It does when it refused recipients at two unrelated domains and accepted no email since.
    """
    refused = list(
        OutgoingEmail.select(OutgoingEmail.recipient, OutgoingEmail.refused_code)
        .where(OutgoingEmail.refused_at > _accepted_at())
        .order_by(OutgoingEmail.refused_at.desc())
        .limit(MAX_COMPARED)
    )
    domains = dict.fromkeys(email.recipient.rpartition("@")[2].lower() for email in refused)
    ours = any(_unrelated(*pair) for pair in combinations(domains, 2))
    return str(refused[0].refused_code) if ours else None


def _accepted_at() -> object:
    """Return when the mail server last accepted an email."""
    sent = OutgoingEmail.select(OutgoingEmail.sent_at).where(OutgoingEmail.sent_at.is_null(False))
    newest = sent.order_by(OutgoingEmail.sent_at.desc()).first()
    return newest.sent_at if newest else EPOCH


def _unrelated(domain: str, other: str) -> bool:
    """Whether neither of two different domains is a subdomain of the other."""
    return not (domain.endswith(f".{other}") or other.endswith(f".{domain}"))
