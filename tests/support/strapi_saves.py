"""Save a profile in a real Strapi all the time, and measure its answers."""

import contextlib
import threading
import time
from collections.abc import Callable

from tests.support.strapi_server import RealStrapi


def saving(real: RealStrapi, token: str, meanwhile: Callable[[], None]) -> list[tuple[int, float]]:
    """The status and the seconds of each save, 50 a second, while `meanwhile` runs."""
    saves: list[tuple[int, float]] = []
    over = threading.Event()

    def save() -> None:
        while not over.wait(0.04):
            began = time.monotonic()
            body = {"firstname": f"Sue {len(saves)}"}
            status, _ = real.call("PUT", "/admin/users/me", body, token)
            saves.append((status, time.monotonic() - began))

    savers = [threading.Thread(target=save) for _ in range(4)]
    with contextlib.ExitStack() as ending:
        for saver in savers:
            saver.start()
            ending.callback(saver.join)
        ending.callback(over.set)
        meanwhile()
    return saves
