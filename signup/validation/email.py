"""E-mail addresses: brought into the one form that is stored, compared and written to."""

from email_validator import EmailNotValidError, validate_email

from signup.i18n import gettext, lazy_gettext
from signup.validation import lookalikes, text

LENGTH = 254
EXAMPLE = lazy_gettext("Enter an e-mail address like name@example.com.")
# Reserved for private networks (RFC 9476, ICANN, RFC 6762 appendix G), beside those that
# email_validator knows: no mail of ours has any business there.
PRIVATE = ("alt", "internal", "intranet", "private", "corp", "home", "lan")


class InvalidEmail(ValueError):
    """What was typed is no address that letters can be sent to; the message says what to do."""


def normal(typed: str) -> str:
    """The address in lower case, with its domain as the DNS has it. Raises NoAddress."""
    # What is far too long is not looked at, so that it costs nothing.
    if len(typed) > LENGTH:
        raise InvalidEmail(str(EXAMPLE))
    if fault := text.fault(typed):
        raise InvalidEmail(fault)
    try:
        checked = validate_email(
            typed, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as error:
        raise InvalidEmail(str(EXAMPLE)) from error
    address = (checked.ascii_email or "").lower()
    if address.rpartition(".")[2] in PRIVATE:
        raise InvalidEmail(str(EXAMPLE))
    if lookalikes.is_lookalike(checked.domain):
        raise InvalidEmail(
            gettext(
                "This address looks like another one, because of letters of another alphabet."
                " Type it again with your keyboard, or use another address."
            )
        )
    return address
