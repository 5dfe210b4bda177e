"""The sandbox, for tests that use its mailbox, and a service that nobody has used."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.network import free_port
from tests.support.page_states import PageStates, empty_service
from tests.support.paths import ROOT
from tests.support.processes import Process, environment_of, listens, wait_until


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the sandbox, started as `make run` does."""
    port = free_port()
    flask = str(Path(sys.executable).with_name("flask"))
    with Process(tmp_path_factory.mktemp("sandbox") / "log") as process:
        command = [flask, "--app", "app", "demo", "--port", str(port)]
        process.launch(command, environment_of({}))
        wait_until(lambda: listens(port) or process.ended())
        yield f"http://127.0.0.1:{port}"
        output = process.stop()
    shutil.rmtree(ROOT / "instance" / f"sandbox-{port}", ignore_errors=True)
    assert "SANDBOX" in output
    assert "Traceback" not in output
    assert "/confirm/" not in output


@pytest.fixture
def states(browser: Browser) -> Iterator[PageStates]:
    """A new service, and a page without animations."""
    context = browser.new_context(reduced_motion="reduce")
    with empty_service(context.new_page()) as states:
        yield states
    context.close()
