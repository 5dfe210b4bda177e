"""The API's description is true: what programs are told is what they get."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import pytest
from werkzeug.serving import make_server

from tests.support.network import free_port
from tests.support.service import Service
from tests.support.strapi_file import SUE, SUE_PASSWORD


@pytest.fixture
def address(start: Callable[..., Service]) -> Iterator[str]:
    """The service over HTTP, with authors to decide about, and cheap logins."""
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    service = start(RATELIMIT_ENABLED=False, PUBLIC_URL=here, UNDO_SECONDS=600)
    for number in range(3):
        service.visitor().apply(f"author{number}@example.org")
    cheap = bcrypt.hashpw(SUE_PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    service.strapi.do("UPDATE admin_users SET password = ? WHERE id = 1", cheap)
    server = make_server("127.0.0.1", port, service.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield here
    server.shutdown()
    thread.join()
    server.server_close()


def test_schemathesis_finds_no_deviation(address: str, tmp_path: Path) -> None:
    schemathesis = str(Path(sys.executable).with_name("st"))
    options = ["--checks", "all", "--max-examples", "40", "--generation-deterministic", "--auth"]
    target = f"{address}/api/openapi.json"
    result = subprocess.run(
        [schemathesis, "run", target, *options, f"{SUE}:{SUE_PASSWORD}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-6000:]
    assert re.search(r"Operations:\s+5 selected / 5 total", result.stdout), result.stdout[-3000:]


def test_the_description_names_every_call_and_where_the_service_is(service: Service) -> None:
    answer = service.app.test_client().get("/api/openapi.json")

    assert answer.json
    assert answer.json["servers"] == [{"url": "https://join.example.com"}]
    described = {
        (method.upper(), path.replace("{id}", "<int:author_id>"))
        for path, calls in answer.json["paths"].items()
        for method in calls
        if method != "parameters"
    }
    served = {
        (method, rule.rule)
        for rule in service.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    assert described == served
