"""A proxy to a database server that cuts a connection at a chosen message.

It cuts before the message arrives, or before its answer comes back.
"""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# With this option, a socket is closed by a reset.
RESET = b"\1\0\0\0\0\0\0\0"


class CutProxy(socketserver.ThreadingTCPServer):
    """A TCP proxy on 127.0.0.1 that counts messages to the server, and cuts one."""

    daemon_threads = True
    request_queue_size = 200

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), Forwarding)
        self.target = target
        self.port = int(self.server_address[1])
        self._lock = threading.Lock()
        self._plan: tuple[int, str, bytes] = (0, "", b"")
        self.seen = 0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @contextmanager
    def cut(self, nth: int, when: str, only: bytes = b"") -> Iterator[None]:
        """Cut "before" or "after" the nth message that contains `only`, and count these in `seen`.

        "after" means: the server has answered, and the answer does not come back.
        """
        with self._lock:
            self._plan, self.seen = (nth, when, only), 0
        try:
            yield
        finally:
            with self._lock:
                self._plan = (0, "", b"")

    def planned(self, message: bytes) -> str:
        """Count the message; return when to cut, or nothing."""
        with self._lock:
            nth, when, only = self._plan
            if not nth or only not in message:
                return ""
            self.seen += 1
            return when if self.seen == nth else ""


class Forwarding(socketserver.BaseRequestHandler):
    """One connection of a client."""

    server: CutProxy
    request: socket.socket

    def handle(self) -> None:
        self.is_cut = threading.Event()
        there = "127.0.0.1", self.server.target
        with contextlib.suppress(OSError), socket.create_connection(there) as self.there:
            back = threading.Thread(target=self.return_answers)
            back.start()
            with contextlib.suppress(OSError):
                self.send_messages()
            self.shut_down()
            back.join()

    def send_messages(self) -> None:
        for each in (self.request, self.there):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while message := self.request.recv(65536):
            planned = self.server.planned(message)
            if planned == "before":
                return
            if planned == "after":
                self.is_cut.set()
            self.there.sendall(message)

    def return_answers(self) -> None:
        with contextlib.suppress(OSError):
            while (message := self.there.recv(65536)) and not self.is_cut.is_set():
                self.request.sendall(message)
            if self.is_cut.is_set():
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.shut_down()

    def shut_down(self) -> None:
        for each in (self.request, self.there):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
