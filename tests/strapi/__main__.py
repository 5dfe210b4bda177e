"""`make strapi`: a real Strapi with its panel, a first super admin, and a mail server that
prints what it takes; ends with Ctrl-C."""

import os
import secrets
import signal
import sys
from pathlib import Path
from types import FrameType

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.smtp_server import SMTPServer, text
from tests.support.strapi_server import RealStrapi

VERSION = os.environ.get("STRAPI_VERSION", "5.54.0")
FOLDER = Path(".strapi").absolute()
PORT, MAIL_PORT = 1337, 1025
SUPER_ADMIN = "super.admin@example.com"


class PrintingMailServer(SMTPServer):
    """Prints each letter's text as it comes."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        letter = self.messages[-1]
        print(f"\n--- Letter to {letter['To']}: {letter['Subject']}\n\n{text(letter)}", flush=True)
        return answer


def main() -> None:
    """Install, start, register, tell, and wait."""
    # A terminated `make` must not leave a Strapi behind.
    signal.signal(signal.SIGTERM, leave)
    strapi = RealStrapi(VERSION, FOLDER, PORT, panel=True)
    print(f"Strapi {VERSION} in {FOLDER}: the first time, this takes some minutes.", flush=True)
    strapi.install()
    mail = PrintingMailServer(MAIL_PORT)
    try:
        mail.start()
        strapi.start()
        print(told(password_of(strapi)), flush=True)
        strapi.wait()
    except KeyboardInterrupt:
        pass
    finally:
        strapi.stop()
        mail.stop()


def password_of(strapi: RealStrapi) -> str:
    """The first super admin's password, who is registered at the first start."""
    kept = FOLDER / "super-admin-password"
    if not strapi.call("GET", "/admin/init")[1]["data"]["hasAdmin"]:
        kept.write_text(f"Aa1-{secrets.token_urlsafe(9)}")
        strapi.register_first(SUPER_ADMIN, kept.read_text())
    return kept.read_text()


def told(password: str) -> str:
    """What a person needs to go on."""
    settings = FOLDER / "env"
    if not settings.exists():
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
        f"Mail server     127.0.0.1:{MAIL_PORT}, which prints the letters here\n"
        "\nThese settings connect the service to it:\n\n"
        f"{settings.read_text()}"
        "\nIn another terminal:  cp .strapi/env .env && make run\n"
        "Ctrl-C ends Strapi."
    )


def leave(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C would."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
