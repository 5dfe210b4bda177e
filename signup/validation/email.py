"""Emails: check what was typed, and normalize it to the form that is stored and compared."""

from email_validator import EmailNotValidError, validate_email

from signup.i18n import gettext, lazy_gettext
from signup.validation import lookalikes, text

# Characters (RFC 5321, with RFC 3696 erratum 1690).
MAX_LENGTH = 254
EXAMPLE = lazy_gettext("Enter an e-mail address like name@example.com.")
# Top-level domains of private networks (RFC 9476, ICANN, RFC 6762 appendix G). We send no email
# there. The library email_validator refuses more of them.
PRIVATE_DOMAINS = ("alt", "internal", "intranet", "private", "corp", "home", "lan")


class InvalidEmail(ValueError):
    """Nobody can receive email at this. The message says how to correct it."""


def normalize(typed: str) -> str:
    """Return the email in lower case, with its domain in ASCII as in the DNS.

    Raises InvalidEmail.
    """
    # Checked first, because checking a very long text takes long.
    if len(typed) > MAX_LENGTH:
        raise InvalidEmail(str(EXAMPLE))
    if fault := text.fault(typed):
        raise InvalidEmail(fault)
    try:
        checked = validate_email(
            typed, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as error:
        raise InvalidEmail(str(EXAMPLE)) from error
    email = (checked.ascii_email or "").lower()
    if email.rpartition(".")[2] in PRIVATE_DOMAINS:
        raise InvalidEmail(str(EXAMPLE))
    if lookalikes.is_lookalike(checked.domain):
        raise InvalidEmail(
            gettext(
                "This address looks like another one, because of letters of another alphabet."
                " Type it again with your keyboard, or use another address."
            )
        )
    return email
