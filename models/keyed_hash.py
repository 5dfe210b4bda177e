"""Hashes that stand for something personal in the ledger, which nobody can guess without a key."""

import hashlib
import hmac


def keyed_hash(text: str, key: str) -> str:
    """Return the HMAC-SHA-256 of `text`, in hexadecimal digits."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
