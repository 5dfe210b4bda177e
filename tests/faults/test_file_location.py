"""SQLite files behind a symbolic link, or mounted without their folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.processes import environment_of
from tests.support.report_tables import Report
from tests.support.service import ADA, Start, required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SQLiteFile, StrapiFile

# Mount a file on itself, in a mount namespace of this process alone, and run the rest there.
MOUNTED = 'mount --bind "$0" "$0" && exec "$@"'
START = "from app import serve; print(serve().test_client().get('/healthz').text)"


@pytest.mark.parametrize("chain", [1, 2])
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_changes_behind_a_symbolic_link_are_noticed(
    strapi: StrapiFile, start: Start, report: Report, mode: str, chain: int
) -> None:
    strapi.rows(f"PRAGMA journal_mode = {mode}")
    file = strapi.path
    for number in range(chain):
        link = file.with_name(f"link{number}.db")
        link.symlink_to(file)
        file = link
    service = start(STRAPI_DATABASE=str(file))
    service.visitor().apply()
    service.deliver()
    # An open connection keeps the log, as a running Strapi does.
    with strapi.connected():
        strapi.change(ADA, "is_active = true")
        service.deliver()
    assert service.state() == "active"
    report("Strapi's file behind symbolic links")


# Without its ledger, the service does not start.
@pytest.mark.parametrize(
    ("alone", "said"), [("strapi.db", '"failing"'), ("ledger.db", "mount its folder")]
)
def test_a_file_that_is_mounted_alone_is_not_used(
    strapi: StrapiFile,
    ledger: SQLiteFile,
    mail_server: SMTPServer,
    report: Report,
    alone: str,
    said: str,
) -> None:
    file = strapi.path.with_name(alone)
    before = file.read_bytes()
    environment = environment_of(required(strapi, mail_server, ledger.path))

    checked = run_mounted(file, environment, "-m", "flask", "--app", "app", "check")
    health = run_mounted(file, environment, "-c", START)

    assert f"{file} is mounted alone: mount its folder" in checked.stdout
    assert said in health.stdout + health.stderr
    assert file.read_bytes() == before
    report("SQLite file mounted without its folder")


def run_mounted(
    file: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run Python where this file is a mount point."""
    command = ["unshare", "-rm", "sh", "-c", MOUNTED, str(file), sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
