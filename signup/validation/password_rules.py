"""Passwords: Strapi's own rules (packages/core/admin/shared/validation): it would refuse others."""

from models.password_hashing import MAX_BYTES
from signup import i18n
from signup.i18n import gettext


def fault(password: str) -> str | None:
    """What a password still needs before Strapi takes it; None when it needs nothing."""
    if len(password.encode(errors="replace")) > MAX_BYTES:
        return gettext("This password is too long. Use at most 72 letters or digits.")
    # Halves of characters, and what stands for bytes that were no text.
    if any("\ud800" <= c <= "\udfff" or c == "\ufffd" for c in password):
        return gettext("Use characters that can be typed again.")
    wanted = {
        gettext("at least 8 characters"): len(password) >= 8,
        gettext("a lower-case letter"): any("a" <= c <= "z" for c in password),
        gettext("an upper-case letter"): any("A" <= c <= "Z" for c in password),
        gettext("a digit"): any("0" <= c <= "9" for c in password),
    }
    missing = [what for what, there in wanted.items() if not there]
    if not missing:
        return None
    return gettext("The password still needs %(missing)s.", missing=i18n.listed(missing))
