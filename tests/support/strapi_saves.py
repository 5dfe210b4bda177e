"""A real Strapi that is written to all the time: how it answers, and how long it takes."""

import contextlib
import threading
import time
from collections.abc import Callable

from tests.support.strapi_server import RealStrapi


def saving(real: RealStrapi, token: str, meanwhile: Callable[[], None]) -> list[tuple[int, float]]:
    """Statuses and seconds of saving a profile 50 times a second, while something happens."""
    done: list[tuple[int, float]] = []
    over = threading.Event()

    def save() -> None:
        while not over.wait(0.04):
            began = time.monotonic()
            body = {"firstname": f"Sue {len(done)}"}
            status, _ = real.call("PUT", "/admin/users/me", body, token)
            done.append((status, time.monotonic() - began))

    savers = [threading.Thread(target=save) for _ in range(4)]
    with contextlib.ExitStack() as ending:
        for saver in savers:
            saver.start()
            ending.callback(saver.join)
        ending.callback(over.set)
        meanwhile()
    return done
