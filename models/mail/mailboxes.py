"""Mailboxes: which addresses reach the same one. For counting letters only: an account is one
address, and who owns `ada+press@` may apply with it."""

# Google delivers to an address whatever dots it has, under either name.
GOOGLE = ("gmail.com", "googlemail.com")


def base(email: str) -> str:
    """The plainest address of the mailbox behind a normal one: without what follows a plus, and
    at Google without dots."""
    local, _, domain = email.rpartition("@")
    local = local.partition("+")[0]
    if domain in GOOGLE:
        local, domain = local.replace(".", ""), GOOGLE[0]
    return f"{local}@{domain}".lower()
