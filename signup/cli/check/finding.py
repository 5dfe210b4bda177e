"""What `flask check` says about one thing that it tested."""

from typing import NamedTuple


class Finding(NamedTuple):
    """What was tested, and what is wrong with it and what to do; None if nothing is.

    A warning is something to look at with which the service works.
    """

    what: str
    advice: str | None = None
    is_warning: bool = False

    @property
    def label(self) -> str:
        """How it begins in the output of `flask check`."""
        if self.advice is None:
            return "ok"
        return "WARN" if self.is_warning else "WRONG"
