"""Which emails reach the same mailbox.

Limits, "this wasn't me" and declines count for a mailbox. An account belongs to one exact email:
the owner of `ada+press@` may sign up with it.
"""

from models.emails import comparable

# Providers that ignore these characters, and deliver all of their domains to the same mailbox.
PROVIDERS = (
    (("gmail.com", "googlemail.com"), "."),
    (("proton.me", "protonmail.com", "protonmail.ch", "pm.me"), ".-_"),
)


def base(email: str) -> str:
    """Return the shortest email of the same mailbox, without "+tag" and ignored characters."""
    local, _, domain = comparable(email).rpartition("@")
    local = local.partition("+")[0] or local
    for domains, ignored in PROVIDERS:
        if domain in domains:
            letters = "".join(each for each in local if each not in ignored)
            local, domain = letters or local, domains[0]
    return f"{local}@{domain}"
