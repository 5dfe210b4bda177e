"""Several instances on one database server act as one service."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.database_servers import Server
from tests.support.deployment import NEEDS_NGINX
from tests.support.http_client import Answer, Client
from tests.support.instances import INSTANCE_HEADER, INSTANCES, InstanceGroup
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD

pytestmark = NEEDS_NGINX


@pytest.fixture(scope="module")
def group(
    server: Server, mail_server: SMTPServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InstanceGroup]:
    mail_server.clear()
    with InstanceGroup(tmp_path_factory.mktemp("group"), server, mail_server) as group:
        yield group
        assert "Traceback" not in group.stop()


def statuses_everywhere(ask: Callable[[], Answer]) -> list[int]:
    """The status of each instance's answer. nginx asks one after the other."""
    answers: dict[str, int] = {}
    for _ in range(3 * INSTANCES):
        answer = ask()
        answers[answer.headers[INSTANCE_HEADER]] = answer.status
    return list(answers.values())


def logged_in(client: Client) -> Client:
    answer = client.post("/review/login", email=SUE, password=SUE_PASSWORD)
    assert answer.status == 303, answer.text
    return client


def test_a_session_is_valid_at_every_instance(group: InstanceGroup) -> None:
    sue = logged_in(group.client(1))

    assert statuses_everywhere(lambda: sue.get("/review")) == [200] * INSTANCES


@pytest.mark.parametrize("path", ["/review/logout", "/review/logout/everywhere"])
def test_a_logout_ends_a_session_at_every_instance(group: InstanceGroup, path: str) -> None:
    sue, other = logged_in(group.client(2)), logged_in(group.client(3))
    copied = dict((other if "everywhere" in path else sue).cookies)

    assert sue.post(path, page="/review").status == 303

    def ask() -> Answer:
        return replace(group.client(4), cookies=dict(copied)).get("/review")

    assert statuses_everywhere(ask) == [303] * INSTANCES


@pytest.mark.parametrize(
    ("number", "path", "form", "limit"),
    [
        (6, "/review/login", {"email": SUE, "password": "Wrong1password"}, 5),
        (7, "/signup", {"email": "nobody"}, 30),
    ],
)
def test_a_limit_counts_over_all_instances(
    group: InstanceGroup, number: int, path: str, form: dict[str, Any], limit: int
) -> None:
    client = group.client(number)

    assert [client.post(path, **form).status for _ in range(limit)] == [422] * limit
    assert statuses_everywhere(lambda: client.post(path, **form)) == [429] * INSTANCES
