"""The form in which emails are compared: Strapi keeps domains as they were typed."""

import idna


def comparable(email: str | None) -> str:
    """Return the email in lower case, with its domain in ASCII as in the DNS.

    Domains follow IDNA 2008 (RFC 5891) after the mapping of UTS 46 without transitional
    processing, as in `signup/validation/email.py`: `straße.de` is not `strasse.de`. A text without
    "@" is taken for a domain. What is no domain is returned in lower case.
    """
    text = (email or "").strip()
    if text.isascii():
        return text.lower()
    local, at, domain = text.rpartition("@")
    # Without lower() on the domain: it makes a final sigma of "Σ", which is another domain.
    try:
        domain = ascii_domain(domain)
    except UnicodeError:
        domain = domain.lower()
    return f"{local.lower()}{at}{domain}"


def ascii_domain(domain: str) -> str:
    """Return the domain in ASCII as in the DNS (IDNA 2008). Raises: UnicodeError, it is none."""
    return idna.encode(domain, uts46=True).decode()
