"""E-mail addresses: brought into the one form that is stored, compared and written to."""

from email_validator import EmailNotValidError, validate_email

from signup import characters, scripts
from signup.languages import gettext, lazy_gettext

LENGTH = 254
EXAMPLE = lazy_gettext("Enter an e-mail address like name@example.com.")
# Reserved for private networks (RFC 9476, ICANN, RFC 6762 appendix G), beside those that
# email_validator knows: no mail of ours has any business there.
PRIVATE = ("alt", "internal", "intranet", "private", "corp", "home", "lan")


class NoAddress(ValueError):
    """What was typed is no address that letters can be sent to; the message says what to do."""


def normal(typed: str) -> str:
    """The address in lower case, with its domain as the DNS has it. Raises NoAddress."""
    # What is far too long is not looked at, so that it costs nothing.
    if len(typed) > LENGTH:
        raise NoAddress(str(EXAMPLE))
    if complaint := characters.complaint(typed):
        raise NoAddress(complaint)
    try:
        checked = validate_email(
            typed, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as error:
        raise NoAddress(str(EXAMPLE)) from error
    address = (checked.ascii_email or "").lower()
    if address.rpartition(".")[2] in PRIVATE:
        raise NoAddress(str(EXAMPLE))
    if scripts.deceives(checked.domain):
        raise NoAddress(
            gettext(
                "This address looks like another one, because of letters of another alphabet."
                " Type it again with your keyboard, or use another address."
            )
        )
    return address
