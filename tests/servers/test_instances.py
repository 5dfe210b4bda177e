"""Several instances on one database server: whoever answers, it is the same service."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.database_servers import Server
from tests.support.deployment import NGINX, Answer, Client
from tests.support.instances import INSTANCES, WHO, Fleet
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD

pytestmark = pytest.mark.skipif(not NGINX, reason="no nginx: install nginx")


@pytest.fixture(scope="module")
def fleet(
    server: Server, mail_server: SMTPServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    mail_server.clear()
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), server, mail_server)
    with ExitStack() as stack:
        stack.callback(fleet.stop)
        fleet.start()
        yield fleet
    assert "Traceback" not in fleet.said()


def everywhere(ask: Callable[[], Answer]) -> list[Answer]:
    """What each instance answers: the requests go round."""
    answers: dict[str, Answer] = {}
    for _ in range(3 * INSTANCES):
        answer = ask()
        answers[answer.headers[WHO]] = answer
    assert len(answers) == INSTANCES
    return list(answers.values())


def logged_in(client: Client) -> Client:
    answer = client.post("/review/login", email=SUE, password=SUE_PASSWORD)
    assert answer.status == 303, answer.text
    return client


def test_a_session_begun_at_one_instance_is_valid_at_the_others(fleet: Fleet) -> None:
    sue = logged_in(fleet.client(1))

    answers = everywhere(lambda: sue.get("/review"))

    assert [answer.status for answer in answers] == [200] * INSTANCES
    assert all("Log out" in answer.text for answer in answers)


def test_a_session_that_ended_at_one_instance_has_ended_at_the_others(fleet: Fleet) -> None:
    sue = logged_in(fleet.client(2))
    copied = dict(sue.cookies)

    assert sue.post("/review/logout", page="/review").status == 303

    thief = fleet.client(3)
    for answer in everywhere(lambda: with_cookies(thief, copied).get("/review")):
        assert answer.status == 303


def test_all_sessions_end_everywhere(fleet: Fleet) -> None:
    here, there = logged_in(fleet.client(4)), logged_in(fleet.client(5))

    assert here.post("/review/logout/everywhere", page="/review").status == 303

    copied = dict(there.cookies)
    for answer in everywhere(lambda: with_cookies(there, copied).get("/review")):
        assert answer.status == 303


def test_wrong_passwords_are_counted_over_all_instances(fleet: Fleet) -> None:
    guesser = fleet.client(6)
    wrong: dict[str, Any] = {"email": SUE, "password": "Wrong1password"}

    statuses = [guesser.post("/review/login", **wrong).status for _ in range(5)]
    refused = everywhere(lambda: guesser.post("/review/login", **wrong))

    assert statuses == [422] * 5
    assert [answer.status for answer in refused] == [429] * INSTANCES


def test_posts_are_counted_over_all_instances(fleet: Fleet) -> None:
    flooder = fleet.client(7)

    statuses = [flooder.post("/signup", email="nobody").status for _ in range(30)]
    refused = everywhere(lambda: flooder.post("/signup", email="nobody"))

    assert statuses == [422] * 30
    assert [answer.status for answer in refused] == [429] * INSTANCES


def with_cookies(client: Client, cookies: dict[str, str]) -> Client:
    """Whoever has copied these."""
    client.cookies.clear()
    client.cookies.update(cookies)
    return client
