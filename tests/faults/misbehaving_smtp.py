"""A mail server that keeps to the protocol up to one verb, and there does something else."""

import socketserver
import threading
from typing import ClassVar


class RudeServer(socketserver.ThreadingTCPServer):
    """At `verb` it does what `does` says: "hang", "drop", "delay", or a line to answer with."""

    daemon_threads = True

    def __init__(self, verb: str, does: str) -> None:
        super().__init__(("127.0.0.1", 0), Dialogue)
        self.port = int(self.server_address[1])
        self.verb, self.does = verb, does
        self.taken: list[bytes] = []
        self.closing = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def heal(self) -> None:
        """Behave from now on."""
        self.verb = ""

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class Dialogue(socketserver.StreamRequestHandler):
    """One client's visit."""

    server: RudeServer
    answers: ClassVar = {
        "EHLO": "250-rude\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 8BITMIME",
        "AUTH": "235 welcome",
        "DATA": "354 go on",
        "QUIT": "221 goodbye",
    }

    def handle(self) -> None:
        said = self.say("banner", "220 rude")
        while said and (line := self.rfile.readline()):
            verb = line.decode().split()[0].upper()
            said = self.say(verb.replace("HELO", "EHLO"), self.answers.get(verb, "250 OK"))
            if verb == "DATA" and said.startswith("354"):
                said = self.take()
            if verb == "QUIT":
                return

    def take(self) -> str:
        """Read a letter, which is taken once its dot has a good answer."""
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        said = self.say(".", "250 taken") if line else ""
        if said.startswith("250"):
            self.server.taken.append(b"".join(lines))
        return said

    def say(self, verb: str, good: str) -> str:
        """Answer; returns what was said, nothing when the visit is over."""
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
