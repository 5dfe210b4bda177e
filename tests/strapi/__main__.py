"""`make strapi`: a real Strapi with its panel, and a mail server that prints every email.

It registers a super admin, shows the settings for the service, and runs until Ctrl-C.
"""

import os
import secrets
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.smtp_server import SMTPServer, text
from tests.support.strapi_server import RealStrapi

VERSION = os.environ.get("STRAPI_VERSION", "5.54.0")
FOLDER = Path(".strapi").absolute()
PORT, MAIL_PORT = 1337, 1025
SUPER_ADMIN = "super.admin@example.com"


class PrintingMailServer(SMTPServer):
    """A mail server that prints the text of each email."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        message = self.messages[-1]
        head = f"\n--- Email to {message['To']}: {message['Subject']}"
        print(f"{head}\n\n{text(message)}", flush=True)
        return answer


def main() -> None:
    # Also a terminated `make` stops its Strapi.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    strapi = RealStrapi(VERSION, FOLDER, PORT, panel=True)
    print(f"Strapi {VERSION} in {FOLDER}: the first time, this takes some minutes.", flush=True)
    strapi.install()
    mail = PrintingMailServer(MAIL_PORT)
    try:
        mail.start()
        strapi.start()
        print(instructions(password_of(strapi)), flush=True)
        strapi.wait(None)
    except KeyboardInterrupt:
        pass
    finally:
        strapi.stop()
        mail.stop()


def password_of(strapi: RealStrapi) -> str:
    """The super admin's password. The first start registers her."""
    file = FOLDER / "super-admin-password"
    if not strapi.call("GET", "/admin/init")[1]["data"]["hasAdmin"]:
        file.write_text(f"Aa1-{secrets.token_urlsafe(9)}")
        strapi.register_first(SUPER_ADMIN, file.read_text())
    return file.read_text()


def instructions(password: str) -> str:
    """What a person needs to use this Strapi."""
    settings = FOLDER / "env"
    if not settings.exists():
        settings.touch(mode=0o600)
        settings.write_text(
            f"SIGNUP_SECRET_KEY={secrets.token_hex(32)}\n"
            f"SIGNUP_STRAPI_DATABASE={FOLDER / '.tmp' / 'data.db'}\n"
            f"SIGNUP_STRAPI_ADMIN_URL=http://127.0.0.1:{PORT}/admin\n"
            "SIGNUP_SITE_NAME='The Magazine'\n"
            "SIGNUP_PUBLIC_URL=http://127.0.0.1:5000\n"
            "SIGNUP_MAIL_SERVER=127.0.0.1\n"
            f"SIGNUP_MAIL_PORT={MAIL_PORT}\n"
            "SIGNUP_MAIL_DEFAULT_SENDER='The Magazine <post@example.com>'\n"
        )
    return (
        f"\nStrapi's panel  http://127.0.0.1:{PORT}/admin\n"
        f"                {SUPER_ADMIN}   {password}\n"
        f"Mail server     127.0.0.1:{MAIL_PORT}, which prints the emails here\n"
        "\nThese settings connect the service to it:\n\n"
        f"{settings.read_text()}"
        "\nIn another terminal:  (umask 077; cp .strapi/env .env) && make run\n"
        "Ctrl-C ends Strapi."
    )


if __name__ == "__main__":
    main()
