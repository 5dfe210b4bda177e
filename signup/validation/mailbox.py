"""Names and emails as operators write them in settings, as in `The Magazine <post@example.com>`."""

import re
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr, unquote

from models.emails import ascii_domain

WITH_NAME = re.compile(r"([^<>]*)<([^<>]*)>\s*")
ONE_EMAIL = re.compile(r"""[^\s@<>,;:"()\[\]\\]+@[^\s@<>,;:"()\[\]\\]+""")


def parse(text: str) -> Address:
    """Return the name and the email, which is ready for a mail server. Raises ValueError.

    The name may have characters that would need quotes in an email: `Press @ Example <…>`.
    """
    if found := WITH_NAME.fullmatch(text):
        name, email = unquote(found[1].strip()), found[2].strip()
    else:
        name, email = parseaddr(text)
        email = "" if re.search("[,;<>]", text) else email
    if not ONE_EMAIL.fullmatch(email):
        raise ValueError("no email, or several")
    try:
        return Address(name, addr_spec=with_ascii_domain(email))
    except MessageError as error:
        raise ValueError("no email") from error


def is_email(text: str) -> bool:
    """Return whether the text is one email, without a name."""
    try:
        return parse(text).addr_spec == with_ascii_domain(text)
    except ValueError:
        return False


def with_ascii_domain(email: str) -> str:
    """Return `email` with its domain in IDNA 2008, as mail servers expect it. Raises ValueError."""
    if email.isascii():
        return email
    local_part, _, domain = email.rpartition("@")
    return f"{local_part}@{ascii_domain(domain)}"
