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
# Names under which countries let people register a domain, as in example.co.uk.
SECOND_LEVEL = {"ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ne", "net", "or", "org"}


def base(email: str) -> str:
    """Return the shortest email of the same mailbox, without "+tag" and ignored characters."""
    local, _, domain = comparable(email).rpartition("@")
    local = local.partition("+")[0] or local
    for domains, ignored in PROVIDERS:
        if domain in domains:
            letters = "".join(each for each in local if each not in ignored)
            local, domain = letters or local, domains[0]
    return f"{local}@{domain}"


def owner_domain(email: str) -> str:
    """Return the part of an email's domain that somebody has registered.

    Its owner can make any number of domains below it: of a.b.example.co.uk, it is example.co.uk.
    """
    labels = base(email).rpartition("@")[2].split(".")
    is_country = len(labels[-1]) == 2
    below = 3 if is_country and labels[-2:-1] and labels[-2] in SECOND_LEVEL else 2
    return ".".join(labels[-below:])
