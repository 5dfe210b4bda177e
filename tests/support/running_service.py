"""The service under gunicorn beside SQLite files, and what visitors do there over real HTTP."""

import http.client
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.http_client import TIMEOUT, Answer, Client, wait_for_link
from tests.support.paths import ROOT
from tests.support.processes import Gunicorn, wait_until
from tests.support.service import ADA, ADA_PASSWORD
from tests.support.smtp_server import SMTPServer, text
from tests.support.strapi_file import StrapiFile

HEALTHY = '{"status":"ok"}\n'


class RunningService(Gunicorn):
    """A gunicorn without limits, and the mailbox of everybody who is written to."""

    def __init__(
        self, settings: Mapping[str, object], mail: SMTPServer, log: Path, folder: Path = ROOT
    ) -> None:
        options = ("--workers", "1", "--threads", "8", "app:serve()")
        super().__init__({}, log, *options, folder=folder)
        self.mail = mail
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {**settings, "PUBLIC_URL": self.url, "RATELIMIT_ENABLED": False}

    @property
    def ledger(self) -> StrapiFile:
        """The ledger, for a test to look into."""
        return StrapiFile(Path(str(self.settings["LEDGER"])))

    def is_up(self) -> bool:
        return self.get("/healthz") != ""

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT)

    def client(self) -> Client:
        """A new visitor, who fills in forms at once."""
        return Client(self.url, self.connect, pause=0)

    def get(self, path: str) -> str:
        """The text of a page, or nothing if the service does not answer."""
        try:
            return self.client().get(path).text
        except (OSError, http.client.HTTPException):
            return ""

    def post(self, path: str, **fields: str) -> Answer:
        return self.client().post(path, None, **fields)

    def ask(self, email: str = ADA) -> None:
        answer = self.post("/signup", firstname="Ada", email=email)
        assert (answer.status, answer.headers["Location"]) == (303, "/signup/sent"), answer.text

    def confirm(self, link: str) -> None:
        answer = self.post(link, firstname="Ada", password=ADA_PASSWORD)
        assert (answer.status, answer.headers["Location"]) == (303, link), answer.text

    def wait_for_email(self, subject: str, email: str = ADA) -> str:
        """Wait for an email with these words in its subject, and return its text."""

        def received() -> list[str]:
            messages = [each for each in self.mail.messages if subject in each["Subject"]]
            return [text(each) for each in messages if each["To"] == email]

        wait_until(received)
        return received()[0]

    def link(self, email: str = ADA, kind: str = "confirm") -> str:
        """Wait for the email with this link, and return the link's path."""
        return urlsplit(wait_for_link(self.mail, email, kind)).path
