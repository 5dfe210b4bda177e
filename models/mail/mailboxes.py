"""Which emails reach the same mailbox. It is used for counting emails only.

An account belongs to one exact email: the owner of `ada+press@` may sign up with it.
"""

from models.emails import comparable

# Google ignores dots, and delivers both domains to the same mailbox.
GOOGLE = ("gmail.com", "googlemail.com")


def base(email: str) -> str:
    """Return the shortest email of the same mailbox: without "+tag", and at Google without dots."""
    local, _, domain = comparable(email).rpartition("@")
    local = local.partition("+")[0]
    if domain in GOOGLE:
        local, domain = local.replace(".", ""), GOOGLE[0]
    return f"{local}@{domain}"
