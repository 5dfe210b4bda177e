"""The service beside running Strapis: it writes the row that Strapi itself would write."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.database_servers import MariaDB, Server
from tests.support.network import free_port
from tests.support.service import ADA, ADA_PASSWORD, GRACE, Service, Start
from tests.support.smtp_server import text
from tests.support.strapi_file import STRAPI_VERSIONS, SUE, SUE_PASSWORD, StrapiFile
from tests.support.strapi_on_server import ENGINES, StrapiOnServer
from tests.support.strapi_server import NEEDS_STRAPI, RealStrapi, cached, cached_on_server

pytestmark = NEEDS_STRAPI
# Far from UTC, so that a wrong time zone shows.
ZONE = "Asia/Tokyo"


class Beside:
    """A running Strapi, its database, and a token of its super admin."""

    def __init__(self, server: RealStrapi, database: StrapiFile) -> None:
        self.server = server
        self.database = database
        self.token = server.register_first(SUE, SUE_PASSWORD)

    def user(self, email: str) -> dict[str, object]:
        """The admin user as Strapi's panel lists it."""
        path = f"/admin/users?pageSize=100&_q={email}"
        status, answer = self.server.call("GET", path, token=self.token)
        assert status == 200
        [found] = [user for user in answer["data"]["results"] if user["email"] == email]
        return dict(found)

    def save(self, user: dict[str, object], **changes: object) -> tuple[int, dict[str, object]]:
        """Save the admin user as Strapi's panel does."""
        names = ("firstname", "lastname", "email", "isActive")
        body = {name: user[name] for name in names} | changes
        body["roles"] = [role["id"] for role in user["roles"]]  # type: ignore[attr-defined]
        path = f"/admin/users/{user['id']}"
        return self.server.call("PUT", path, body, self.token)


@pytest.fixture(scope="module", params=[*STRAPI_VERSIONS, *ENGINES])
def beside(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Beside]:
    file = tmp_path_factory.mktemp("strapi") / "data.db"
    database: StrapiFile = StrapiFile(file)
    if request.param in ENGINES:
        engine: Server = request.getfixturevalue(request.param)
        database = StrapiOnServer.empty(engine, "strapi")
        server = cached_on_server(engine, "strapi", free_port(), TZ=ZONE)
    else:
        server = cached(request.param, free_port())
    with server:
        server.install()
        server.start(file)
        yield Beside(server, database)
        assert " ms) " in server.stop()
    assert server.failures() == []


@pytest.fixture
def strapi(beside: Beside) -> Iterator[StrapiFile]:
    yield beside.database
    beside.database.do("DELETE FROM admin_users WHERE email <> ?", SUE)


@pytest.fixture
def backend(beside: Beside) -> str:
    """The ledger is on the same engine as Strapi's database."""
    database = beside.database
    return database.server.name if isinstance(database, StrapiOnServer) else STRAPI_VERSIONS[-1]


@pytest.fixture
def service(start: Start) -> Service:
    """The service with Strapi's time zone. A file has no local dates."""
    return start(STRAPI_TIMEZONE=ZONE)


def by_page(service: Service, beside: Beside) -> None:
    assert service.reviewer().decide("activate", ADA).status_code == 303


def by_api(service: Service, beside: Beside) -> None:
    path = f"/api/authors/{service.author_id()}/activate"
    answer = service.app.test_client().post(path, auth=(SUE, SUE_PASSWORD))
    assert answer.status_code == 200


def by_panel(service: Service, beside: Beside) -> None:
    assert beside.save(beside.user(ADA), isActive=True)[0] == 200


@pytest.mark.parametrize("activate", [by_page, by_api, by_panel])
def test_an_activated_author_logs_in_to_strapi(
    beside: Beside, service: Service, activate: Callable[[Service, Beside], None]
) -> None:
    service.visitor().apply()
    status, answer = beside.server.log_in(ADA, ADA_PASSWORD)
    assert (status, answer["error"]["message"]) == (400, "User not active")

    activate(service, beside)

    status, answer = beside.server.log_in(ADA, ADA_PASSWORD)
    assert status == 200
    token = answer["data"]["token"]
    status, answer = beside.server.call("GET", "/admin/users/me/permissions", token=token)
    assert status == 200
    actions = {permission["action"] for permission in answer["data"]}
    assert "plugin::upload.read" in actions
    assert not any(action.startswith("admin::users") for action in actions)
    assert "https://cms.example.com/admin" in text(service.deliver()[-1])


def test_strapi_gets_the_language_of_the_application(beside: Beside, service: Service) -> None:
    service.language = "fr"
    service.visitor().apply()
    service.strapi.change(ADA, "is_active = true")
    status, answer = beside.server.log_in(ADA, ADA_PASSWORD)
    assert (status, answer["data"]["user"]["preferedLanguage"]) == (200, "fr")


def test_strapis_panel_lists_and_saves_an_author(beside: Beside, service: Service) -> None:
    service.visitor().apply()
    user = beside.user(ADA)
    assert [role["code"] for role in user["roles"]] == ["strapi-author"]  # type: ignore[attr-defined]

    status, answer = beside.save(user, firstname="Augusta Ada")

    assert (status, answer["data"]["firstname"]) == (200, "Augusta Ada")  # type: ignore[index]
    assert beside.user(ADA)["isActive"] is False


def test_the_row_equals_that_of_an_invited_author(beside: Beside, service: Service) -> None:
    theirs = invite_grace(beside)
    service.visitor().apply()
    ours = beside.database.admin(ADA) or {}

    differing = {column for column in ours if ours[column] != theirs[column]}
    person = {"id", "document_id", "email", "firstname", "lastname", "password"}
    times = {"created_at", "updated_at", "published_at"}
    # An invitation activates, and empties its token afterwards.
    assert differing - {"is_active", "registration_token"} <= person | times
    for column in times & set(ours):
        assert type(ours[column]) is type(theirs[column])
        assert 0 <= seconds(ours[column]) - seconds(theirs[column]) < 600
    assert ours["password"][:7] == theirs["password"][:7] == "$2a$10$"
    assert ours["registration_token"] is None

    link_of = {link["user_id"]: link for link in beside.database.links()}
    mine, hers = link_of[ours["id"]], link_of[theirs["id"]]
    alike = {name for name in mine if name in ("role_id", "role_order", "role_ord")}
    assert {name: mine[name] for name in alike} == {name: hers[name] for name in alike}
    for order in {"user_order", "user_ord"} & set(mine):
        assert mine[order] == hers[order] + 1


def invite_grace(beside: Beside) -> dict[str, Any]:
    """Let Grace accept an invitation of Strapi; return her row."""
    [role] = beside.database.rows("SELECT id FROM admin_roles WHERE code = 'strapi-author'")
    grace = {"firstname": "Grace", "lastname": "Hopper"}
    invited = {**grace, "email": GRACE, "roles": [role["id"]]}
    status, answer = beside.server.call("POST", "/admin/users", invited, beside.token)
    assert status == 201
    registration = {
        "registrationToken": answer["data"]["registrationToken"],
        "userInfo": {**grace, "password": ADA_PASSWORD},
    }
    assert beside.server.call("POST", "/admin/register", registration)[0] == 200
    return beside.database.admin(GRACE) or {}


def test_no_endpoint_of_strapi_activates_a_waiting_author(beside: Beside, service: Service) -> None:
    service.visitor().apply()
    forgot = beside.server.call("POST", "/admin/forgot-password", {"email": ADA})
    for token in ("", "null", None):
        registration = {
            "registrationToken": token,
            "userInfo": {"firstname": "Ada", "lastname": "L", "password": ADA_PASSWORD},
        }
        assert beside.server.call("POST", "/admin/register", registration)[0] == 400

    assert forgot[0] == 204
    ada = beside.database.admin(ADA)
    assert ada
    assert (ada["is_active"], ada["reset_password_token"]) == (0, None)


def test_an_author_deleted_in_the_panel_is_noticed(beside: Beside, service: Service) -> None:
    link = service.visitor().apply()
    path = f"/admin/users/{beside.user(ADA)['id']}"
    assert beside.server.call("DELETE", path, token=beside.token)[0] == 200

    service.deliver()

    assert service.state() == "removed"
    assert "no longer exists" in service.visitor().get(link).text


@pytest.mark.parametrize("beside", ENGINES, indirect=True)
def test_the_test_data_equals_a_database_of_strapi(beside: Beside) -> None:
    assert isinstance(beside.database, StrapiOnServer)
    made_from_data = StrapiOnServer.without_admins(beside.database.server, "fresh")

    assert schema(made_from_data) == schema(beside.database)


def test_strapi_compares_emails_by_the_collation(mariadb: MariaDB, tmp_path: Path) -> None:
    """MariaDB's default collation ignores accents and capitals."""
    mariadb.create("loose", collation="utf8mb4_general_ci")
    with cached_on_server(mariadb, "loose", free_port()) as real:
        real.install()
        real.start(tmp_path / "data.db")
        added = ("Ada@example.org", ADA_PASSWORD, "strapi-author")
        StrapiOnServer(mariadb, "loose").add_admin(*added)

        assert real.log_in("àda@example.org", ADA_PASSWORD)[0] == 200


def schema(strapi: StrapiOnServer) -> list[dict[str, Any]]:
    """The columns and keys of Strapi's tables of admin users, roles and permissions."""
    tables = "'admin_users', 'admin_roles', 'admin_users_roles_lnk', 'admin_permissions',"
    here = (
        f"table_schema IN ('public', ?) AND table_name IN ({tables} 'admin_permissions_role_lnk')"
    )
    columns = strapi.rows(
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,"
        " collation_name, ordinal_position FROM information_schema.columns"
        f" WHERE {here} ORDER BY table_name, ordinal_position",
        strapi.database,
    )
    keys = strapi.rows(
        "SELECT table_name, constraint_name, column_name, ordinal_position"
        f" FROM information_schema.key_column_usage WHERE {here}"
        " ORDER BY table_name, constraint_name, ordinal_position",
        strapi.database,
    )
    assert columns
    assert keys
    return columns + keys


def seconds(instant: Any) -> float:
    """A stored time in seconds since 1970."""
    return instant.timestamp() if isinstance(instant, datetime) else instant / 1000
