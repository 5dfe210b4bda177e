"""Requests that schemathesis makes up from the API's own description."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from tests.support.network import free_port
from tests.support.service import Service
from tests.support.strapi_file import SUE, SUE_PASSWORD, hash_once


@pytest.fixture
def url(start: Callable[..., Service]) -> Iterator[str]:
    """The service over HTTP, with authors to decide about, and cheap logins."""
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    service = start(RATELIMIT_ENABLED=False, PUBLIC_URL=here, UNDO_SECONDS=600)
    for number in range(3):
        service.visitor().apply(f"author{number}@example.org")
    service.strapi.do(
        "UPDATE admin_users SET password = ? WHERE id = 1", hash_once(SUE_PASSWORD, 4)
    )
    server = make_server("127.0.0.1", port, service.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield here
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_answer_is_one_that_the_description_promises(url: str, tmp_path: Path) -> None:
    schemathesis = str(Path(sys.executable).with_name("st"))
    options = ["--checks", "all", "--max-examples", "40", "--generation-deterministic", "--auth"]
    result = subprocess.run(
        [schemathesis, "run", f"{url}/api/openapi.json", *options, f"{SUE}:{SUE_PASSWORD}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-6000:]
    assert re.search(r"Operations:\s+5 selected / 5 total", result.stdout), result.stdout[-3000:]
