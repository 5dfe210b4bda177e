"""What `flask check` says about Strapi's own state and about the mail server."""

import errno
import re
import smtplib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator

import pytest
import trustme

from signup.mail.smtp_errors import explain
from tests.conftest import every_strapi
from tests.support.network import free_port
from tests.support.service import Service, Start
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile

WRITING = ("plugin::content-manager.explorer.create", "api::article.article")


def check(service: Service) -> tuple[int, str]:
    """The exit code of `flask check`, and what it says besides what is in order."""
    result = service.run("check")
    lines = result.output.splitlines()
    return result.exit_code, "\n".join(line for line in lines if not line.startswith("ok"))


# Strapi's own state

DELETE_ROLE = "DELETE FROM admin_roles WHERE code = 'strapi-author'"
ADD_ROLE = "INSERT INTO admin_roles (name, code) VALUES ('{}', '{}')"
ROLES = [
    (
        ["SELECT 1"],
        "nobody",
        "it has strapi-author (Author), strapi-editor (Editor): set"
        " SIGNUP_AUTHOR_ROLE=strapi-author",
    ),
    (
        [DELETE_ROLE],
        "strapi-author",
        "it has strapi-editor (Editor): set SIGNUP_AUTHOR_ROLE to the code of the one for authors",
    ),
    (
        [DELETE_ROLE, ADD_ROLE.format("Author", "author-lq2x8f3k")],
        "strapi-author",
        "it has author-lq2x8f3k (Author), strapi-editor (Editor): set"
        " SIGNUP_AUTHOR_ROLE=author-lq2x8f3k",
    ),
    (
        [ADD_ROLE.format("Redaktion", "redaktion-x1")],
        "Redaktion",
        "set SIGNUP_AUTHOR_ROLE=redaktion",
    ),
    (["DELETE FROM admin_roles WHERE id > 1"], "strapi-author", "make a role for authors"),
    (["UPDATE admin_roles SET code = 'strapi-author'"], "strapi-author", "delete one"),
]


@every_strapi
@pytest.mark.parametrize(("changes", "role", "advice"), ROLES)
def test_a_role_that_is_not_there_is_answered_with_those_that_are(
    start: Start, strapi: StrapiFile, changes: list[str], role: str, advice: str
) -> None:
    for change in changes:
        strapi.do(change)
    code, said = check(start(AUTHOR_ROLE=role))
    assert code == 1
    assert advice in said
    assert "super-admin" not in said


@every_strapi
@pytest.mark.parametrize("password", ["NULL", "''", "'sso'"])
def test_super_admins_without_a_password_are_warned_of(
    service: Service, strapi: StrapiFile, password: str
) -> None:
    strapi.allow(*WRITING)
    assert check(service) == (0, "")
    strapi.do(f"UPDATE admin_users SET password = {password}")
    code, said = check(service)
    assert code == 0
    assert "WARN   a super admin can log in\n       no active super admin has a password" in said


@pytest.mark.parametrize(
    ("actions", "warned"),
    [
        ([], True),
        ([("plugin::content-manager.explorer.read", "api::article.article")], True),
        ([("plugin::content-manager.explorer.create", "plugin::users-permissions.user")], True),
        ([WRITING], False),
        ([("plugin::content-manager.explorer.update", "api::a.a", '["admin::is-creator"]')], False),
    ],
)
def test_a_role_that_can_write_nothing_is_warned_of(
    service: Service, strapi: StrapiFile, actions: list[tuple[str, ...]], warned: bool
) -> None:
    for action in actions:
        strapi.allow(*action)
    code, said = check(service)
    assert code == 0
    assert ("its members meet an empty panel" in said) == warned


ALLOWED = {
    "plugin::navigation.read": False,
    "plugin::i18n.locale.read": False,
    "plugin::navigation.update": True,
    "plugin::config-sync.import": True,
    "plugin::users-permissions.providers.read": True,
    "plugin::content-type-builder.write": True,
    "admin::api-tokens.read": True,
    "admin::users.create": True,
    "plugin::content-manager.explorer.read admin::user": True,
}


@every_strapi
def test_dangerous_actions_are_warned_of_until_they_are_accepted(
    start: Start, strapi: StrapiFile
) -> None:
    strapi.allow(*WRITING)
    for action in ALLOWED:
        strapi.allow(*action.split())
    dangerous = [action for action, danger in ALLOWED.items() if danger]

    code, said = check(start())
    assert code == 0
    assert f"it may do more than write: {', '.join(dangerous)};" in said

    accepting = start(ALLOWED_ACTIONS=dangerous[:-1])
    assert f"it may do more than write: {dangerous[-1]};" in check(accepting)[1]
    assert f"more than write: {dangerous[-1]}." in accepting.reviewer().get("/review").text
    assert check(start(ALLOWED_ACTIONS=",".join(dangerous))) == (0, "")


# The mail server


class Greeting(socketserver.BaseRequestHandler):
    """A program that is no mail server: it says this and closes the connection."""

    text = b""

    def handle(self) -> None:
        self.request.sendall(self.text)


class HTTPGreeting(Greeting):
    text = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """The ports of servers that speak SMTP or something else."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    mail = {
        "plain": SMTPServer(),
        "tls": SMTPServer(ssl_context=context),
        "starttls": SMTPServer(tls_context=context),
    }
    others = {
        name: socketserver.TCPServer(("127.0.0.1", 0), handler)
        for name, handler in (("closes", Greeting), ("http", HTTPGreeting))
    }
    for server in mail.values():
        server.start()
    for other in others.values():
        threading.Thread(target=other.serve_forever, daemon=True).start()
    yield {
        **{name: server.port for name, server in mail.items()},
        **{name: int(other.server_address[1]) for name, other in others.items()},
        "nothing": free_port(),
    }
    for other in others.values():
        other.shutdown()
        other.server_close()
    for server in mail.values():
        server.stop()


TLS: dict[str, object] = {"MAIL_USE_TLS": True}
SSL: dict[str, object] = {"MAIL_USE_SSL": True}
LOGIN: dict[str, object] = {"MAIL_USERNAME": "me", "MAIL_PASSWORD": "süß-s3cret"}
GREETS_LATE = (
    "sent no greeting: it speaks TLS from the start, or is busy; if TLS, set"
    " SIGNUP_MAIL_USE_SSL=true"
)
MAIL_FAULTS: list[tuple[str, dict[str, object], str]] = [
    ("nothing", {}, "refused the connection: correct SIGNUP_MAIL_SERVER and SIGNUP_MAIL_PORT"),
    ("nothing", SSL, "refused the connection"),
    (
        "tls",
        {},
        GREETS_LATE,
    ),
    (
        "tls",
        TLS,
        GREETS_LATE,
    ),
    ("tls", SSL, "has a certificate that is not trusted (unable to get local issuer certificate)"),
    ("plain", SSL, "does not speak TLS from the start: set SIGNUP_MAIL_USE_TLS=true"),
    ("starttls", SSL, "does not speak TLS from the start: set SIGNUP_MAIL_USE_TLS=true"),
    ("plain", TLS, "offers no STARTTLS"),
    ("starttls", TLS, "has a certificate that is not trusted"),
    ("plain", LOGIN, "offers no login (AUTH)"),
    ("closes", {}, "sent no greeting"),
    ("http", {}, "answers, and is not a mail server"),
    ("plain", {"MAIL_SERVER": "a" * 64 + ".example"}, "is not a name in the DNS"),
    ("plain", {"MAIL_SERVER": "a..b"}, "is not a name in the DNS"),
]


@pytest.mark.parametrize(("server", "settings", "advice"), MAIL_FAULTS)
def test_a_mail_server_that_cannot_be_used_is_answered_in_a_sentence(
    start: Start, ports: dict[str, int], server: str, settings: dict[str, object], advice: str
) -> None:
    service = start(**{"MAIL_PORT": ports[server], "MAIL_TIMEOUT": 1, **settings})
    code, said = check(service)
    assert code == 1
    where = f"{settings.get('MAIL_SERVER', '127.0.0.1')}:{ports[server]} "
    assert f"       {where}{advice}" in said
    assert not re.search(r"Error|Errno|_ssl|[A-Z]+_[A-Z]+_NUMBER|s3cret", said)


# Errors that no test can bring about on every machine.
ERRORS: list[tuple[Exception, str]] = [
    (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "is not known in the DNS"),
    (socket.gaierror(socket.EAI_NODATA, "No address"), "is not known in the DNS"),
    (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "the DNS does not answer"),
    (TimeoutError("timed out"), "did not answer in time"),
    (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "did not answer in time"),
    (PermissionError(errno.EACCES, "Permission denied"), "allow it in the firewall"),
    (PermissionError(errno.EPERM, "Operation not permitted"), "allow it in the firewall"),
    (OSError(errno.ENETUNREACH, "Network is unreachable"), "check the network of this machine"),
    (OSError(errno.EHOSTUNREACH, "No route to host"), "check the network of this machine"),
    (ConnectionResetError(errno.ECONNRESET, "reset by peer"), "ended the connection"),
    (ssl.SSLEOFError(), "agree on no encryption"),
    (smtplib.SMTPException("No suitable authentication method found."), "no way to log in"),
    (
        UnicodeEncodeError("ascii", "s3cret-ß", 7, 8, "ordinal not in range"),
        "not a name in the DNS",
    ),
    (OSError(errno.EIO, "s3cret"), "cannot be used (OSError)"),
]


@pytest.mark.parametrize(("error", "said"), ERRORS, ids=lambda value: repr(value)[:40])
def test_each_error_of_a_connection_is_a_sentence_without_its_raw_text(
    error: Exception, said: str
) -> None:
    assert said in explain(error)
    assert "s3cret" not in explain(error)
    assert "Errno" not in explain(error)
