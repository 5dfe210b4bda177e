"""A real Strapi with the controller that its forum recommends for making authors."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measured import peopled
from tests.support.network import free_port
from tests.support.strapi_file import SUE, SUE_PASSWORD
from tests.support.strapi_server import RealStrapi, cached

VERSION = "5.54.0"


@dataclass
class Forum:
    """The Strapi, its port, and requests ready to be sent."""

    strapi: RealStrapi
    port: int
    token: str
    booted_in: float
    _made: int = 0

    def creations(self, count: int) -> list[str]:
        """So many requests, each of which makes a new author."""
        self._made += count
        return [self._creation(number) for number in range(self._made - count, self._made)]

    def _creation(self, number: int) -> str:
        person = {
            "firstname": "Ada",
            "lastname": "Lovelace",
            "email": f"new{number}@firm.com",
            "password": f"Quartz-Lantern-{number}!",
        }
        body = json.dumps(person)
        return (
            f"POST /create-author HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )


@contextmanager
def forum() -> Iterator[Forum]:
    """The Strapi, beside a database with a thousand people."""
    port = free_port()
    strapi = cached(VERSION, port, CREATE_AUTHOR="1")
    strapi.install()
    with tempfile.TemporaryDirectory() as place:
        file = peopled(Path(place))
        began = time.monotonic()
        try:
            strapi.start(file.path)
            booted_in = time.monotonic() - began
            _, answer = strapi.log_in(SUE, SUE_PASSWORD)
            yield Forum(strapi, port, str(answer["data"]["token"]), booted_in)
        finally:
            strapi.stop()
