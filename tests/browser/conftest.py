"""The sandbox, for tests that use its mailbox."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.network import free_port
from tests.support.page_states import PageStates, page_states
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """The URL of the sandbox, started as `make run` does."""
    port = free_port()
    flask = str(Path(sys.executable).with_name("flask"))
    process = subprocess.Popen(
        [flask, "--app", "app", "demo", "--port", str(port)],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("SIGNUP_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/healthz")
        yield url
    finally:
        process.terminate()
        output = process.communicate(timeout=60)[0].decode()
        shutil.rmtree(ROOT / "instance" / f"sandbox-{port}", ignore_errors=True)
    assert "SANDBOX" in output
    assert "Traceback" not in output
    assert "/confirm/" not in output


def wait_for(url: str) -> None:
    """Wait up to 60 s for an answer."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


@pytest.fixture
def states(browser: Browser) -> Iterator[PageStates]:
    """A new service with people in every state, and a page without animations."""
    context = browser.new_context(reduced_motion="reduce")
    with page_states(context.new_page()) as states:
        yield states
    context.close()
