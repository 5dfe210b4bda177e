"""A proxy to a database server that cuts a connection at a chosen message.

It cuts before the message arrives, or before its answer comes back.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# With this option, a socket is closed by a reset.
RESET = b"\1\0\0\0\0\0\0\0"


class CutProxy:
    """A TCP proxy on 127.0.0.1 that counts messages to the server, and cuts one."""

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

    def stop(self) -> None:
        # A close alone does not end a waiting accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        cut = threading.Event()
        there = "127.0.0.1", self._server
        with client, contextlib.suppress(OSError), socket.create_connection(there) as server:
            back = threading.Thread(target=self._return_answers, args=(client, server, cut))
            back.start()
            with contextlib.suppress(OSError):
                self._send_messages(client, server, cut)
            shut_down(client, server)
            back.join()

    def _send_messages(
        self, client: socket.socket, server: socket.socket, cut: threading.Event
    ) -> None:
        for socket_ in (client, server):
            socket_.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while message := client.recv(65536):
            planned = self._planned(message)
            if planned == "before":
                return
            if planned == "after":
                cut.set()
            server.sendall(message)

    def _return_answers(
        self, client: socket.socket, server: socket.socket, cut: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while (message := server.recv(65536)) and not cut.is_set():
                client.sendall(message)
            if cut.is_set():
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        shut_down(client, server)

    def _planned(self, message: bytes) -> str:
        """Count the message; return when to cut, or nothing."""
        with self._lock:
            nth, when, only = self._plan
            if not nth or only not in message:
                return ""
            self.seen += 1
            return when if self.seen == nth else ""


def shut_down(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
