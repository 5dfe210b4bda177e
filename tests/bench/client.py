"""One client of a load: HTTP as plainly as it can be spoken, so that it costs next to nothing."""

import socket

# Seconds without any answer after which somebody has to look.
PATIENCE = 60.0


class Client:
    """A connection that is kept as long as the server keeps it, and the request on its way."""

    def __init__(self, port: int, status: int) -> None:
        self._port = port
        self._wanted = f"HTTP/1.1 {status} ".encode()
        self._answer = b""
        self._used = False
        self.since = 0.0
        self.socket: socket.socket | None = None

    def send(self, request: bytes, since: float) -> None:
        """Ask; the answer is waited for since that moment."""
        self._request, self.since = request, since
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._used = False
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take what has come; returns whether the answer is whole."""
        assert self.socket
        try:
            part = self.socket.recv(1 << 16)
        except ConnectionResetError:
            part = b""
        if not part:
            return self._cut_off()
        self._answer += part
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < length(head):
            return False
        if not head.startswith(self._wanted):
            raise SystemExit(f"wanted {self._wanted!r}, got {self._answer[:2000]!r}")
        self._answer, self._used = b"", True
        if b"\r\nconnection: close" in head.lower():
            self.hang_up()
        return True

    def hang_up(self) -> None:
        """Close the connection; the next request opens another one."""
        if self.socket:
            self.socket.close()
        self.socket = None

    def _cut_off(self) -> bool:
        """A server may close a connection that was idle, just when we ask: ask again."""
        if self._answer or not self._used:
            raise SystemExit(f"cut off after {self._answer!r}")
        self.hang_up()
        self.send(self._request, self.since)
        return False


def length(head: bytes) -> int:
    """How many bytes follow these headers."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise SystemExit(f"no length: {head!r}")
    return int(rest.partition(b"\r\n")[0])
