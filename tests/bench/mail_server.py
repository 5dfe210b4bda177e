"""A mail server that takes every email at once, and keeps it."""

import email
import re
from email.policy import default

from tests.faults.misbehaving_smtp import MisbehavingSMTP
from tests.support.processes import wait_until

LINK = re.compile(r"http://127\.0\.0\.1(/confirm/\S+)")
# Seconds that the emails of a measurement may take.
TIMEOUT = 600


class MailServer(MisbehavingSMTP):
    """A mail server in a thread of this process, which does little else meanwhile."""

    def wait_for(self, count: int) -> None:
        """Wait until so many emails have come."""
        wait_until(lambda: len(self.received) >= count, TIMEOUT)

    def links(self) -> list[str]:
        """The path of the confirmation link of each email."""
        parsed = (email.message_from_bytes(each, policy=default) for each in self.received)
        bodies = (each.get_body(("plain",)) for each in parsed)
        return [LINK.findall(str(body.get_content()))[0] for body in bodies if body]
