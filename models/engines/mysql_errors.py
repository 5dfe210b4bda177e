"""What the errors of MySQL, MariaDB and PyMySQL mean, by number where there is one.

https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
"""

import re

from models.engines.engine import driver_error
from models.engines.server import NEEDED_GRANTS

# The numbers of errors that the client finds. The server has all others.
CLIENT_ERRORS = range(2000, 3000)
NO_DEFAULT = 1364
# What Python says of an option that PyMySQL does not have.
UNKNOWN_OPTION = "unexpected keyword argument"
# Errors whose text names tables, columns, verbs and accounts only.
HARMLESS_TEXTS = (1142, 1143, 1146, NO_DEFAULT)
# The user and the host of an account, and what is quoted before them.
ACCOUNT = re.compile(r"""["'`].*["'`]@["'`][^"'`]*["'`]""")

TEMPORARY_ERRORS = (
    "(1040,",  # too many connections
    "(1205,",  # lock wait timeout
    "(1213,",  # deadlock
    "(1317,",  # query interrupted
    "(1226,",  # too many connections of this user
    "(2003,",  # cannot connect
    "(2006,",  # server has gone away
    "(2013,",  # connection lost
    "(0, '')",  # PyMySQL: the connection was closed
    "Max connections exceeded",
    "is busy",
)
VALUE_ERRORS = (
    "(1366,",  # a character that the column's encoding does not have
    "(1406,",  # too long
    "(3854,",  # a text cannot be converted
)

_NO_ANSWER = "does not answer: is it running, at this host and port?"
_UNKNOWN_HOST = "has a host name that is not known here: correct the URL"
_READ_ONLY = (
    "is read-only, as a replica is: name the primary server in the URL, or turn read_only and"
    " super_read_only off there"
)
_TOO_LITTLE = f"grants this user too little ({{}}): {NEEDED_GRANTS}"
_CONSTRAINT = "refuses the row, because of a constraint that somebody added ({}): change or drop it"
_PLUGIN = (
    "lets this user log in only in a way that the driver does not know: type ALTER USER …"
    " IDENTIFIED WITH caching_sha2_password BY '…' (MySQL), or VIA mysql_native_password (MariaDB)"
)
ADVICE = {
    "(1045,": "refuses this user or password, or a connection without TLS",
    "(1698,": "refuses this user or password",
    "(1820,": "wants a new password for this user, because the old one has expired",
    "(1862,": "wants a new password for this user, because the old one has expired",
    "(3118,": "has locked this user's account: ALTER USER … ACCOUNT UNLOCK",
    "(4151,": "has locked this user's account: ALTER USER … ACCOUNT UNLOCK",
    "(1129,": "has blocked this host after many errors: FLUSH HOSTS",
    "(1130,": "has no account for connections from this host: CREATE USER …@'…'",
    "(1251,": _PLUGIN,
    "(2059,": _PLUGIN,
    "(2061,": _PLUGIN,
    "'pynacl' package": _PLUGIN,
    "'cryptography' package": "needs the package cryptography for this user's password"
    " (caching_sha2_password): make servers",
    "(1044,": f"does not let this user into this database: {NEEDED_GRANTS}",
    "(1142,": _TOO_LITTLE,
    "(1143,": _TOO_LITTLE,
    "(1146,": "has no such table ({}): correct the URL",
    "(1049,": "has no such database: create it, or correct the URL",
    "(1290,": _READ_ONLY,
    "(1792,": _READ_ONLY,
    "(1836,": _READ_ONLY,
    "(1364,": "has lost a default or an AUTO_INCREMENT ({}): restore it, for the key id with ALTER"
    " TABLE … MODIFY id int unsigned NOT NULL AUTO_INCREMENT",
    "(1366,": "cannot hold a character, in the encoding of its table ({})",
    "(1406,": "has a column that is too short for a text ({})",
    "(1644,": "has a trigger that refuses the row ({})",
    "(3819,": _CONSTRAINT,
    "(4025,": _CONSTRAINT,
    "(3159,": "accepts no connection without TLS: add ?ssl_ca=… to the URL",
    # PyMySQL and OpenSSL, which speak English.
    "Hostname mismatch": "has a certificate for another host name: write that name in the URL, or"
    " add &ssl_verify_identity=false to check the authority alone",
    "IP address mismatch": "has a certificate for another host name: write that name in the URL, or"
    " add &ssl_verify_identity=false to check the authority alone",
    "CERTIFICATE_VERIFY_FAILED": "has a certificate that is not trusted: name its authority with"
    " ?ssl_ca=… (MySQL makes its own, in ca.pem of its data folder)",
    "SSL is required": "offers no TLS: turn it on there",
    "NO_CERTIFICATE": "cannot be checked: the file that ssl_ca names holds no certificate",
    "PEM lib": "cannot be checked: the file that ssl_ca names holds no certificate",
    "Connection refused": _NO_ANSWER,
    "timed out": _NO_ANSWER,
    "No route to host": _NO_ANSWER,
    "Name or service not known": _UNKNOWN_HOST,
    "name resolution": _UNKNOWN_HOST,
    "No address associated": _UNKNOWN_HOST,
    "No such file": "cannot be checked: the file that ssl_ca names is not there",
    "Permission denied": "cannot be checked: let the service read the file that ssl_ca names",
    "Is a directory": "cannot be checked: ssl_ca names a folder",
    UNKNOWN_OPTION: "cannot be reached: its URL has an unknown option ({})",
    "invalid option": "cannot be reached: an option of its URL has a wrong value",
}


def error_text(error: Exception) -> str:
    """Return the number of a server's error, whose text may hold values; else number and text."""
    number = error_number(error)
    return str(error) if number is None or number in CLIENT_ERRORS else f"({number},"


def error_number(error: Exception) -> int | None:
    """Return the number of an error, None where PyMySQL or OpenSSL gives none."""
    number = error.args[0] if len(error.args) > 1 else None
    return number if isinstance(number, int) and number else None


def details(error: Exception) -> str:
    """Return the text where it names tables, columns and verbs, without the account; or a code."""
    number, text = error_number(error), str(error.args[-1] if error.args else "")
    if number in HARMLESS_TEXTS or (number is None and UNKNOWN_OPTION in text):
        return ACCOUNT.sub("…", text)
    return f"error {number}" if number else type(driver_error(error)).__name__
