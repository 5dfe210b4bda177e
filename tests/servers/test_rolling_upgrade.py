"""A new version starts beside the old one, on the same ledger, while both serve."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.ledger.database import MIGRATIONS
from tests.conftest import every_engine
from tests.faults.signup_load import SignupLoad
from tests.support.database_servers import Server
from tests.support.deployment import NEEDS_NGINX
from tests.support.instances import InstanceGroup
from tests.support.paths import ROOT
from tests.support.processes import wait_until
from tests.support.running_service import HEALTHY, RunningService
from tests.support.service import ADA, GRACE, required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SQLiteFile, StrapiFile
from tests.support.strapi_on_server import ENGINES

# The last commit before most files and names of the code changed.
OLD = "50fb749"
STOPPED = "We will not write to you again"
JOAN, EVE = "joan@example.org", "eve@example.org"

# What a newer version may do to the ledger while the old one serves: add columns and tables. On
# MySQL, Peewee's `add_column` removes the default from a NOT NULL column, which would refuse the
# rows of the old version.
MIGRATION = """
from peewee import BigAutoField, CharField, Model
from playhouse.migrate import migrate


def up(migrator, database):
    migrate(migrator.add_column("signup", "nickname", CharField(null=True)))
    database.execute_sql("ALTER TABLE letter ADD COLUMN colour integer NOT NULL DEFAULT 0")
    database.add_index("letter_colour", "letter (colour)")

    class Hobby(Model):
        id = BigAutoField()
        name = CharField()

        class Meta:
            table_name = "hobby"

    with Hobby.bind_ctx(database):
        database.create_tables([Hobby])
"""
MIGRATE = """
import sys
from pathlib import Path
from models.ledger import database
database.MIGRATIONS = Path(sys.argv[2])
database.open_ledger(sys.argv[1])
"""
NO_LIMITS: dict[str, object] = {"RATELIMIT_ENABLED": False}


@pytest.fixture(scope="module")
def old_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the old commit."""
    archive = subprocess.run(["git", "archive", OLD], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"no commit {OLD}: clone the repository with its whole history")
    folder = tmp_path_factory.mktemp("old")
    subprocess.run(["tar", "x", "-C", folder], input=archive.stdout, check=True)
    return folder


@pytest.fixture
def ledger(ledger: SQLiteFile, backend: str, tmp_path: Path) -> SQLiteFile:
    """A database without tables: the old instance creates them, the new one migrates them."""
    return ledger if backend in ENGINES else SQLiteFile(tmp_path / "empty.db")


@every_engine
def test_an_instance_from_before_the_renames_serves_beside_a_new_one(
    old_code: Path, strapi: StrapiFile, ledger: SQLiteFile, mail_server: SMTPServer, tmp_path: Path
) -> None:
    mail_server.clear()
    settings = required(strapi, mail_server, ledger.url)
    with (
        RunningService(settings, mail_server, tmp_path / "old.log", old_code) as old,
        RunningService(settings, mail_server, tmp_path / "new.log") as new,
    ):
        new.url = old.url
        new.settings["PUBLIC_URL"] = old.url
        sign_up_at_both(old, new)
        # One of the two sees what Sue does in Strapi's panel, then the new one alone.
        strapi.change(ADA, "is_active = true")
        new.wait_for_email("You can write for", ADA)
        assert "Traceback" not in old.stop()
        strapi.change(GRACE, "is_active = true")
        new.wait_for_email("You can write for", GRACE)
        assert "Traceback" not in new.stop()

    emails = Counter((m["To"], m["Subject"].split()[0]) for m in mail_server.messages)
    assert emails[ADA, "You"] == emails[GRACE, "You"] == emails[EVE, "Confirm"] == 1
    assert [admin["is_active"] for admin in strapi.admins()] == [1, 1, 1, 0]


def sign_up_at_both(old: RunningService, new: RunningService) -> None:
    """Start both. Each takes the links of the other, and knows who said "this wasn't me"."""
    old.start()
    for email in (ADA, EVE):
        old.ask(email)
    ada_link, stop_link = old.link(), old.link(EVE, "stop")
    assert STOPPED in old.post(stop_link).text

    new.start()
    assert old.get("/healthz") == new.get("/healthz") == HEALTHY
    new.ask(EVE)
    assert STOPPED in new.get(stop_link)
    new.confirm(ada_link)
    new.ask(GRACE)
    old.confirm(new.link(GRACE))
    old.ask(JOAN)
    new.confirm(old.link(JOAN))


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The migrations of a newer version."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "9999_newer.py").write_text(MIGRATION)
    return folder


@pytest.fixture
def group(server: Server, mail_server: SMTPServer, tmp_path: Path) -> Iterator[InstanceGroup]:
    """One instance of this version, behind nginx."""
    mail_server.clear()
    with InstanceGroup(tmp_path, server, mail_server, 1, **NO_LIMITS) as group:
        yield group


def migrate(group: InstanceGroup, migrations: Path) -> None:
    """Do what the first instance of another version does when it starts."""
    command = [sys.executable, "-c", MIGRATE, group.ledger.url, str(migrations)]
    subprocess.run(command, cwd=ROOT, check=True)


@NEEDS_NGINX
def test_an_instance_goes_on_while_a_newer_one_migrates_the_ledger(
    group: InstanceGroup, newer: Path
) -> None:
    with SignupLoad([group.client(number) for number in range(3)], group.mail) as load:
        wait_for_signups(load, 20)

        migrate(group, newer)

        meanwhile = Counter(answer.status for answer in load.answers())
        wait_for_signups(load, 20)
    load.wait_for_the_rest(group.strapi, group.ledger)
    # MySQL cancels a transaction that would wait for a change of its table.
    assert set(meanwhile) <= {200, 303, 503 if group.ledger.server.scheme == "mysql" else 200}
    statuses = Counter(answer.status for answer in load.answers())
    assert statuses[503] == meanwhile[503] <= 6
    assert group.ledger.rows("SELECT name FROM hobby") == []
    signups = group.ledger.rows("SELECT email FROM signup WHERE nickname IS NULL")
    assert {row["email"] for row in signups} == load.asked
    assert group.ledger.rows("SELECT colour FROM letter WHERE colour <> 0") == []
    assert list(load.violations(group.strapi, group.ledger)) == []
    assert "Traceback" not in group.stop()


def wait_for_signups(load: SignupLoad, number: int) -> None:
    """Wait until so many more have signed up."""
    wanted = len(load.asked) + number
    wait_until(lambda: len(load.asked) >= wanted)


@NEEDS_NGINX
def test_an_old_instance_that_starts_after_the_migration_gives_up(
    group: InstanceGroup, newer: Path
) -> None:
    migrate(group, newer)
    [instance] = group.instances

    instance.kill()
    instance.begin()

    assert instance.wait() != 0
    assert "migrated by a newer version (9999_newer)" in instance.output()


@NEEDS_NGINX
def test_instances_that_start_together_migrate_an_empty_ledger_once(
    server: Server, mail_server: SMTPServer, tmp_path: Path
) -> None:
    with InstanceGroup(tmp_path, server, mail_server, 5, **NO_LIMITS) as group:
        output = group.stop()

    applied = group.ledger.rows("SELECT name FROM schema_migration ORDER BY id")
    assert [row["name"] for row in applied] == sorted(file.stem for file in MIGRATIONS.glob("0*"))
    assert output.count("Booting worker") == 5
    assert "Traceback" not in output
