"""The tests' own database servers end with the tests, whatever ends these."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.database_servers import MariaDB, PostgreSQL, Server
from tests.support.processes import wait_until


@pytest.mark.parametrize("engine", [PostgreSQL, MariaDB])
def test_a_server_ends_when_the_tests_are_killed(engine: type[Server]) -> None:
    if missing := engine.missing():
        pytest.skip(missing)
    script = (
        f"from tests.support.database_servers import {engine.__name__}\n"
        f"server = {engine.__name__}()\nserver.start()\n"
        "print(server.pid, server.folder, flush=True)\ninput()"
    )
    command = [sys.executable, "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as starter:
        assert starter.stdout
        pid, folder = starter.stdout.readline().split()
        starter.kill()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    shutil.rmtree(folder)
