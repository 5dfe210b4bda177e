"""A mail server that takes every email at once, and keeps it."""

import email
import re
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.policy import default

LINK = re.compile(r"http://127\.0\.0\.1(/confirm/\S+)")
# Seconds that the emails of a measurement may take.
TIMEOUT = 600


class SMTPServer(socketserver.ThreadingTCPServer):
    """Emails as they came, each with the time by a monotonic clock."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Session)
        self.port: int = self.server_address[1]
        self.emails: list[tuple[float, bytes]] = []

    def wait_for(self, count: int) -> None:
        """Wait until so many emails have come."""
        until = time.monotonic() + TIMEOUT
        while len(self.emails) < count:
            assert time.monotonic() < until, f"{len(self.emails)} of {count} emails"
            time.sleep(0.05)

    def links(self) -> list[str]:
        """The path of the confirmation link of each email."""
        parsed = (email.message_from_bytes(each, policy=default) for _, each in self.emails)
        bodies = (each.get_body(("plain",)) for each in parsed)
        return [LINK.findall(str(body.get_content()))[0] for body in bodies if body]


class Session(socketserver.StreamRequestHandler):
    """A connection, as RFC 5321 has it, without any check."""

    server: SMTPServer
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer each command."""
        self.wfile.write(b"220 localhost\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.emails.append((time.monotonic(), content))
            # The client of a QUIT closes the connection, whatever the answer.
            self.wfile.write(b"250 OK\r\n")


@contextmanager
def mail_server(port: int = 0) -> Iterator[SMTPServer]:
    """A mail server in a thread of this process, which does little else meanwhile."""
    with SMTPServer(port) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield server
        finally:
            server.shutdown()
