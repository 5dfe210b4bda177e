"""Strapi's own rules for passwords (its packages/core/admin/shared/validation)."""

from models.password_hashing import MAX_BYTES
from signup import i18n
from signup.i18n import gettext


def fault(password: str) -> str | None:
    """Return what a password needs before Strapi accepts it, or None when it is accepted."""
    if len(password.encode(errors="replace")) > MAX_BYTES:
        return gettext("This password is too long. Use at most 72 letters or digits.")
    # Surrogates, and the replacement for bytes that are not text.
    if any("\ud800" <= c <= "\udfff" or c == "\ufffd" for c in password):
        return gettext("Use characters that can be typed again.")
    rules = {
        gettext("at least 8 characters"): len(password) >= 8,
        gettext("a lower-case letter"): any("a" <= c <= "z" for c in password),
        gettext("an upper-case letter"): any("A" <= c <= "Z" for c in password),
        gettext("a digit"): any("0" <= c <= "9" for c in password),
    }
    missing = [rule for rule, is_met in rules.items() if not is_met]
    if not missing:
        return None
    return gettext("The password still needs %(missing)s.", missing=i18n.join_list(missing))
