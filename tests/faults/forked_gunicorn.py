"""Fork a gunicorn for each line of the input, from a process that has imported the service once.

So the service is back at once after a kill. Run as `python -m tests.faults.forked_gunicorn`. A line
has gunicorn's arguments as JSON. The answer is the id of the new process, which leads a group.
"""

import json
import os
import signal
import sys

from gunicorn.app.wsgiapp import run

import app  # noqa: F401 (so that no fork has to import it)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1):
                os.dup2(null, standard)
            sys.argv = ["gunicorn", *json.loads(line)]
            run()  # type: ignore[no-untyped-call]
        print(child, flush=True)


if __name__ == "__main__":
    main()
