"""Both databases behind PgBouncer, which shares few sessions of PostgreSQL among many clients."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from models.ledger import database
from tests.servers.test_reconcile_instances import Holder
from tests.support.database_servers import PgBouncer, Server
from tests.support.running_service import RunningService
from tests.support.service import ADA, Service, migrate_at, required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE
from tests.support.strapi_on_server import StrapiOnServer

pytestmark = pytest.mark.skipif(bool(PgBouncer.missing()), reason=PgBouncer.missing())

Start = Callable[..., PgBouncer]
Beside = Callable[[PgBouncer], Service]
Settings = dict[str, Any]

PEOPLE = [f"author{number}@example.org" for number in range(24)]
# Few sessions for many clients; and in session mode, one for each.
TRANSACTION = {"pool_mode": "transaction", "default_pool_size": 4}
SESSION = {"pool_mode": "session", "default_pool_size": 90}
# What an operator may have set about the start-up options of clients.
IGNORED = {"ignore_startup_parameters": "options"}
ROUND_ROBIN = {"server_round_robin": 1, "min_pool_size": 4}

every_mode = pytest.mark.parametrize(
    "settings",
    [TRANSACTION, TRANSACTION | IGNORED, SESSION],
    ids=["transaction", "options ignored", "session"],
)


@pytest.fixture
def bouncer(postgresql: Server) -> Iterator[Start]:
    """A function that starts a PgBouncer before fresh databases."""
    StrapiOnServer.on(postgresql, "strapi")
    StrapiOnServer.empty(postgresql, "ledger")
    with ExitStack() as stack:

        def start(**settings: object) -> PgBouncer:
            pooler = PgBouncer(postgresql, **settings)
            stack.callback(pooler.remove)
            pooler.start()
            return pooler

        yield start


@pytest.fixture
def beside(postgresql: Server, mail_server: SMTPServer, tmp_path: Path) -> Iterator[Beside]:
    """A function that starts the service on two databases behind a PgBouncer."""
    mail_server.clear()
    with ExitStack() as stack:

        def beside(bouncer: PgBouncer) -> Service:
            strapi, ledger = databases(postgresql, bouncer)
            service = Service(strapi, mail_server, ledger, {})
            stack.callback(service.end)
            return service

        yield beside


@every_mode
def test_24_people_sign_up_and_are_activated_in_the_panel(
    bouncer: Start,
    postgresql: Server,
    mail_server: SMTPServer,
    tmp_path: Path,
    settings: Settings,
    report: Callable[..., None],
) -> None:
    mail_server.clear()
    migrate_at(postgresql.url("ledger"))
    pooler = bouncer(**settings)
    strapi, ledger = databases(postgresql, pooler)
    named = required(strapi, mail_server, ledger.url)
    with ExitStack() as stack:
        instances = [
            stack.enter_context(RunningService(named, mail_server, tmp_path / f"{number}.log"))
            for number in range(2)
        ]
        for instance in instances:
            instance.start("--threads", "32")
        with ThreadPoolExecutor(len(PEOPLE)) as people:
            list(people.map(sign_up, [instances, instances[::-1]] * 12, PEOPLE))
        strapi.do("UPDATE admin_users SET is_active = true WHERE email <> ?", SUE)
        told = [instances[0].wait_for_email("You can write for", email) for email in PEOPLE]
        log = "".join(each.stop() for each in instances) + postgresql.output()

    assert len(told) == len(PEOPLE)
    mode = settings["pool_mode"]
    violations = list(broken_promises(ledger, mail_server, log))
    report(f"24 people at once through PgBouncer ({mode} mode)", len(PEOPLE), violations)


def broken_promises(ledger: StrapiOnServer, mail_server: SMTPServer, log: str) -> Iterator[str]:
    """Yield what is wrong after everybody was activated."""
    emails = Counter((email["To"], email["Subject"]) for email in mail_server.messages)
    yield from (f"{number} emails {each}" for each, number in emails.items() if number > 1)
    yield from (sign for sign in ("Traceback", "prepared statement") if sign in log)
    states = ledger.rows("SELECT state, count(*) AS number FROM signup GROUP BY state")
    if states != [{"state": "active", "number": len(PEOPLE)}]:
        yield f"signups are {states}"
    if held := ledger.rows("SELECT * FROM lease WHERE until > 0"):
        yield f"a lease was not given back: {held}"
    if held := ledger.rows("SELECT * FROM pg_locks WHERE locktype = 'advisory'"):
        yield f"a lock was not released: {held}"


def sign_up(instances: list[RunningService], email: str) -> None:
    instances[0].ask(email)
    confirmation = instances[0].wait_for_email("Confirm your address", email)
    # Each instance has a PUBLIC_URL of its own here, and either may have sent the email.
    [sender] = [each for each in instances if each.url in confirmation]
    sender.confirm(confirmation.split(sender.url)[1].split()[0])
    sender.wait_for_email("has your application", email)


@every_mode
def test_flask_check_finds_no_fault(
    bouncer: Start, beside: Beside, postgresql: Server, settings: Settings
) -> None:
    migrate_at(postgresql.url("ledger"))
    pooled = settings["pool_mode"] == "transaction"

    result = beside(bouncer(**settings)).run("check")

    assert result.exit_code == 0, result.output
    assert ("through a pooler that shares sessions by transactions" in result.output) == pooled


@pytest.mark.parametrize("settings", [TRANSACTION, TRANSACTION | ROUND_ROBIN])
def test_a_migration_needs_a_session(
    bouncer: Start, beside: Beside, postgresql: Server, settings: Settings
) -> None:
    output = beside(bouncer(**settings)).run("check").output

    assert "the ledger postgresql://127.0.0.1:" in output
    assert "must be migrated, which needs a session" in output
    tables = "SELECT * FROM pg_tables WHERE schemaname = 'public'"
    assert postgresql.rows(tables, database="ledger") == []

    assert beside(bouncer(**SESSION)).run("check").exit_code == 0
    assert beside(bouncer(**settings)).run("check").exit_code == 0


@every_mode
def test_a_transaction_has_timeouts_and_leaves_no_trace(bouncer: Start, settings: Settings) -> None:
    engine: Any = database.engine_for(bouncer(**settings).url("ledger"))
    show = "SELECT current_setting('lock_timeout'), pg_backend_pid()"
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"

    with engine.connection_context():
        with engine.exclusive_transaction("mailbox ada@example.org"):
            [inside, pid] = engine.execute_sql(show).fetchone()
            held = engine.execute_sql(locks).fetchone()
        assert engine.execute_sql(show).fetchone() == ("0", pid)
        after = engine.execute_sql(locks).fetchone()
    engine.close_idle()

    assert (inside, held, after) == ("5s", (1,), (0,))


def test_options_of_the_url_that_are_refused(bouncer: Start) -> None:
    url = bouncer(**TRANSACTION).url("ledger", options="-csearch_path=cms")

    with pytest.raises(database.LedgerUnavailable, match=r"refuses .options="):
        database.open_ledger(url)


def test_one_instance_reconciles_at_a_time(
    bouncer: Start, beside: Beside, postgresql: Server
) -> None:
    migrate_at(postgresql.url("ledger"))
    service = beside(bouncer(**TRANSACTION))
    service.visitor().apply()
    service.strapi.change(ADA, "is_active = true")

    first, second = Holder(service), Holder(service)
    meanwhile = service.deliver()
    told = [each.told for each in (first, second)]
    for each in (first, second):
        each.communicate("\n")

    assert (told, meanwhile) == (["True", "False"], [])
    assert ["You can write" in each["Subject"] for each in service.deliver()] == [True]


def databases(server: Server, pooler: PgBouncer) -> tuple[StrapiOnServer, StrapiOnServer]:
    """Strapi's database and the ledger, which the service reaches through the pooler."""
    strapi, ledger = (StrapiOnServer(server, n, pooler.url(n)) for n in ("strapi", "ledger"))
    return strapi, ledger
