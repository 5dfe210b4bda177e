"""What a refusal of the mail server means: whose fault it is, and what happens to the email."""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

# An enhanced status code is the first word of a reply (RFC 2034). Some servers mark it: "#5.1.0".
ENHANCED_CODE = re.compile(r"[#(\[<\s]*([45])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
# Subject and detail of the codes that are clearly about the recipient (RFC 3463 and IANA's
# registry): no such mailbox or domain, bad syntax, moved, null MX, disabled, full.
ABOUT_RECIPIENT = {"1.1", "1.2", "1.3", "1.6", "1.10", "2.1", "2.2"}
# Without an enhanced code: a command out of order, or a login or encryption that is missing.
ABOUT_LOGIN = {503, 530, 534, 535, 538}


class Outcome(Enum):
    """What happens after a refusal."""

    # This email will never be delivered.
    PARK = auto()
    # This email is tried again later, and others are sent now.
    RETRY = auto()
    # No email can be sent now.
    UNAVAILABLE = auto()


@dataclass(frozen=True)
class Reply:
    """A refusal. As a string it is fit for logs: it leaves out the text, which may quote emails."""

    verb: str
    code: int
    # Such as "5.7.1", or empty.
    enhanced: str = ""
    text: str = field(default="", repr=False)

    @classmethod
    def parse(cls, verb: str, code: int, text: bytes | str) -> "Reply":
        """Return the reply of the server to a command."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        found = ENHANCED_CODE.match(text)
        # Leading zeros are not allowed, yet seen.
        enhanced = ".".join(str(int(part)) for part in found.groups()) if found else ""
        return cls(verb, code, enhanced, text)

    def __str__(self) -> str:
        """The verb and the codes."""
        return f"{self.verb} {self.code} {self.enhanced}".rstrip()

    @property
    def outcome(self) -> Outcome:
        """The enhanced code decides; without one, the verb does."""
        if self.verb not in ("MAIL", "RCPT", "DATA"):
            return Outcome.UNAVAILABLE
        if self.is_about_recipient:
            return Outcome.PARK if self._is_permanent else Outcome.RETRY
        if self.verb == "MAIL":
            return Outcome.UNAVAILABLE
        if self._is_permanent and not self.enhanced and self.code not in ABOUT_LOGIN:
            return Outcome.PARK
        return Outcome.RETRY

    @property
    def is_about_recipient(self) -> bool:
        """Whether the enhanced code says that the recipient is the reason."""
        return self.enhanced[2:] in ABOUT_RECIPIENT

    @property
    def may_be_ours(self) -> bool:
        """Whether our settings or our account may be the reason of a 5xx reply.

        Without an enhanced code, a refused message may be ours: the recipient was accepted before.
        """
        if self.code < 500 or self.is_about_recipient:
            return False
        return bool(self.enhanced) or self.code in ABOUT_LOGIN or self.verb == "DATA"

    @property
    def _is_permanent(self) -> bool:
        return self.code >= 500 and not self.enhanced.startswith("4")
