"""A new version of the service comes, one instance after the other, while the old one serves."""

import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from models.ledger.database import MIGRATIONS
from tests.support.processes import wait_until
from tests.support.database_servers import Server
from tests.support.deployment import NGINX
from tests.support.instances import Fleet
from tests.support.paths import ROOT
from tests.support.service import MailServer

pytestmark = pytest.mark.skipif(not NGINX, reason="no nginx: install nginx")

# What a new version may do to the ledger while the old one serves: add. On MySQL, Peewee's
# `add_column` takes the default from a column that must not be NULL: the old version's rows would
# be refused.
NEWER = """
from peewee import BigAutoField, CharField, Model
from playhouse.migrate import migrate


def up(migrator, database):
    migrate(migrator.add_column("signup", "nickname", CharField(null=True)))
    database.execute_sql("ALTER TABLE letter ADD COLUMN colour integer NOT NULL DEFAULT 0")
    database.lay_index("letter_colour", "letter (colour)")

    class Hobby(Model):
        id = BigAutoField()
        name = CharField()

        class Meta:
            table_name = "hobby"

    with Hobby.bind_ctx(database):
        database.create_tables([Hobby])
"""
UPGRADE = """
import sys
from pathlib import Path
from models import ledger
from tests.support.paths import ROOT
ledger.MIGRATIONS = Path(sys.argv[2])
ledger.set_up(sys.argv[1])
"""
LIFTED: dict[str, object] = {"RATELIMIT_ENABLED": False}


class Visitors:
    """People who sign up, one after the other, until they are told to stop."""

    def __init__(self, fleet: Fleet, count: int = 3) -> None:
        self.asked: list[str] = []
        self.statuses: Counter[int] = Counter()
        self._fleet = fleet
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._come, args=(n,)) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def more(self, number: int) -> None:
        """Wait until so many more have signed up."""
        wanted = len(self.asked) + number
        wait_until(lambda: len(self.asked) >= wanted)

    def __enter__(self) -> "Visitors":
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _come(self, number: int) -> None:
        client, turn = self._fleet.client(number), 0
        while not self._done.is_set():
            turn += 1
            email = f"visitor{turn}of{number}@example.org"
            status = client.post("/signup", firstname="Ada", email=email).status
            self.statuses[status] += 1
            if status == 303:
                self.asked.append(email)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The migrations of a version to come."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "9999_newer.py").write_text(NEWER)
    return folder


@pytest.fixture
def old(server: Server, mail_server: MailServer, tmp_path: Path) -> Iterator[Fleet]:
    """One instance of this version, behind nginx."""
    mail_server.forget()
    fleet = Fleet(tmp_path, server, mail_server, 1, **LIFTED)
    with ExitStack() as stack:
        stack.callback(fleet.stop)
        fleet.start()
        yield fleet


def upgrade(fleet: Fleet, migrations: Path) -> None:
    """What the first instance of another version does when it starts."""
    command = [sys.executable, "-c", UPGRADE, fleet.ledger.address, str(migrations)]
    subprocess.run(command, cwd=ROOT, check=True)


def test_the_old_version_goes_on_while_a_newer_one_migrates_the_ledger(
    old: Fleet, newer: Path
) -> None:
    with Visitors(old) as visitors:
        visitors.more(20)

        upgrade(old, newer)

        meanwhile = Counter(visitors.statuses)
        visitors.more(20)
    # MySQL's change of a table ends whatever transaction would have to wait for it.
    assert set(meanwhile) <= {303, 503 if old.ledger.server.scheme == "mysql" else 303}
    assert meanwhile[503] <= 6
    assert visitors.statuses[503] == meanwhile[503]
    assert old.ledger.rows("SELECT name FROM hobby") == []
    signups = old.ledger.rows("SELECT email FROM signup WHERE nickname IS NULL")
    assert sorted(row["email"] for row in signups) == sorted(visitors.asked)
    unsent = "SELECT colour FROM letter WHERE sent_at IS NULL"
    wait_until(lambda: not old.ledger.rows(unsent))
    assert "Traceback" not in old.said()


def test_an_old_instance_that_starts_after_the_upgrade_is_refused(old: Fleet, newer: Path) -> None:
    upgrade(old, newer)
    [instance] = old.instances

    instance.kill()
    instance.begin()

    assert instance.gave_up()
    assert "migrated by a newer version (9999_newer)" in instance.said()


def test_instances_that_start_together_migrate_an_empty_ledger_once(
    server: Server, mail_server: MailServer, tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path, server, mail_server, 5, **LIFTED)
    with ExitStack() as stack:
        stack.callback(fleet.stop)
        fleet.start()

    applied = fleet.ledger.rows("SELECT name FROM schema_migration ORDER BY id")
    assert [row["name"] for row in applied] == sorted(file.stem for file in MIGRATIONS.glob("0*"))
    assert fleet.said().count("Booting worker") == 5
    assert "Traceback" not in fleet.said()
