"""A process that has imported the service once, and forks a gunicorn for each line that it reads,
so that starting anew after a kill takes no longer than it must.

Run as `python -m tests.faults.nursery`; a line holds gunicorn's arguments as JSON, and is answered
with the id of the new process, which leads a group of its own.
"""

import json
import os
import signal
import sys

from gunicorn.app.wsgiapp import run

import app  # noqa: F401 (imported here, it is there at once after each fork)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1):
                os.dup2(nothing, standard)
            sys.argv = ["gunicorn", *json.loads(line)]
            run()  # type: ignore[no-untyped-call]
        print(child, flush=True)


if __name__ == "__main__":
    main()
