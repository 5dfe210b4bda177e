"""A small mail server that follows the protocol, except at one verb if it is told so."""

import socketserver
import threading
from typing import ClassVar, Self


class MisbehavingSMTP(socketserver.ThreadingTCPServer):
    """At `verb` it does `does`: "hang", "drop", "delay", or a line that it answers."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, verb: str = "", does: str = "", port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Dialogue)
        self.port = int(self.server_address[1])
        self.verb, self.does = verb, does
        self.received: list[bytes] = []
        self.closing = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class Dialogue(socketserver.StreamRequestHandler):
    """One connection of a client."""

    server: MisbehavingSMTP
    answers: ClassVar = {
        "EHLO": "250-test\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 8BITMIME",
        "AUTH": "235 welcome",
        "DATA": "354 go on",
        "QUIT": "221 goodbye",
    }

    def handle(self) -> None:
        answer = self.answer("banner", "220 test")
        while answer and (line := self.rfile.readline()):
            verb = line.decode().split()[0].upper()
            good = self.answers.get(verb, "250 OK")
            answer = self.answer(verb.replace("HELO", "EHLO"), good)
            if verb == "DATA" and answer.startswith("354"):
                answer = self.receive()
            if verb == "QUIT":
                return

    def receive(self) -> str:
        """Read an email. It counts as received if its final dot is answered with 250."""
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        answer = self.answer(".", "250 received") if line else ""
        if answer.startswith("250"):
            self.server.received.append(b"".join(lines))
        return answer

    def answer(self, verb: str, good: str) -> str:
        """Answer, and return the answer, or nothing when the connection is over."""
        does = self.server.does if verb == self.server.verb else ""
        if does == "hang":
            self.server.closing.wait()
        if does in ("hang", "drop"):
            return ""
        if does == "delay":
            self.server.closing.wait(0.5)
        line = does if does[:1].isdigit() else good
        self.wfile.write(line.encode() + b"\r\n")
        return line
