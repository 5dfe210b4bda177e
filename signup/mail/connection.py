"""The post: one way to the mail server for as many letters as are due."""

from contextlib import suppress
from typing import Any

from flask import current_app
from flask_mail import Message

from signup.mail.smtp import Connection, ConnectionLost, MailServerUnavailable, NotDelivered


class MailSession:
    """Connects when the first letter is sent, keeps the connection for the next ones, and
    connects anew where the server has had enough of it in between."""

    def __init__(self) -> None:
        """Wait for a letter."""
        self._connection: Connection | None = None

    def __enter__(self) -> "MailSession":
        """Take letters."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Say goodbye."""
        self._hang_up()

    def send(self, message: Message) -> None:
        """Hand `message` to the mail server. Raises Undelivered, MailServerOut."""
        if self._connection is not None:
            with suppress(ConnectionLost, MailServerUnavailable):
                return self._hand_over(message, self._connection)
        self._connection = Connection(current_app.extensions["mail"]).__enter__()
        return self._hand_over(message, self._connection)

    def _hand_over(self, message: Message, connection: Connection) -> None:
        try:
            connection.send(message)
        except (NotDelivered, MailServerUnavailable):
            # Whatever state it is in now, a new one is sound.
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.__exit__(None, None, None)
            self._connection = None
