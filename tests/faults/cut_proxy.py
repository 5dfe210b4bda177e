"""A line to a database server that can be cut at any message: before it got there, or before its
answer came back."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Closes with a reset instead of a goodbye.
ABRUPTLY = b"\1\0\0\0\0\0\0\0"


class Line:
    """A TCP proxy on 127.0.0.1 that counts the messages to the server, and cuts the connection of
    one of them."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._plan: tuple[int, str, bytes] = (0, "", b"")
        self.seen = 0
        threading.Thread(target=self._serve, daemon=True).start()

    @contextmanager
    def cut(self, nth: int, when: str, only: bytes = b"") -> Iterator[None]:
        """Cut the nth message that holds `only`: "before" it gets there, or "after" its answer left
        the server and before it comes back. Meanwhile `seen` counts them."""
        with self._lock:
            self._plan, self.seen = (nth, when, only), 0
        try:
            yield
        finally:
            with self._lock:
                self._plan = (0, "", b"")

    def stop(self) -> None:
        # Wakes up whoever waits for a caller; to close it does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        swallow = threading.Event()
        there = "127.0.0.1", self._server
        with client, contextlib.suppress(OSError), socket.create_connection(there) as server:
            back = threading.Thread(target=self._answer, args=(client, server, swallow))
            back.start()
            with contextlib.suppress(OSError):
                self._ask(client, server, swallow)
            hang_up(client, server)
            back.join()

    def _ask(self, client: socket.socket, server: socket.socket, swallow: threading.Event) -> None:
        for socket_ in (client, server):
            socket_.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while message := client.recv(65536):
            fate = self._fate(message)
            if fate == "before":
                return
            if fate == "after":
                swallow.set()
            server.sendall(message)

    def _answer(
        self, client: socket.socket, server: socket.socket, swallow: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while (message := server.recv(65536)) and not swallow.is_set():
                client.sendall(message)
            if swallow.is_set():
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPTLY)
        hang_up(client, server)

    def _fate(self, message: bytes) -> str:
        with self._lock:
            nth, when, only = self._plan
            if not nth or only not in message:
                return ""
            self.seen += 1
            return when if self.seen == nth else ""


def hang_up(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
