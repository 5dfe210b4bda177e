"""The same for programs: JSON, Basic credentials, problems as RFC 9457 wants them."""

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.conftest import every_engine
from tests.support.service import ADA, Service
from tests.support.strapi_file import SUE, SUE_PASSWORD


class Program:
    """A program of a super admin's."""

    def __init__(self, service: Service) -> None:
        self.client = service.app.test_client()

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/api{path}", auth=(SUE, SUE_PASSWORD))

    def post(self, path: str, **given: Any) -> TestResponse:
        return self.client.post(f"/api{path}", auth=(SUE, SUE_PASSWORD), **given)


@pytest.fixture
def program(service: Service) -> Program:
    service.visitor().apply()
    return Program(service)


@pytest.fixture
def author(service: Service, program: Program) -> str:
    return f"/authors/{service.signup()['strapi_id']}"


def test_the_authors_of_a_state_are_listed(service: Service, program: Program) -> None:
    answer = program.get("/authors?state=waiting&page=1")

    assert answer.status_code == 200
    assert answer.json
    [ada] = answer.json["authors"]
    assert {name: answer.json[name] for name in ("page", "pages", "total")} == {
        "page": 1,
        "pages": 1,
        "total": 1,
    }
    assert ada["id"] == service.strapi.admin(ADA)["id"]  # type: ignore[index]
    assert (ada["email"], ada["state"], ada["decided_at"]) == (ADA, "waiting", None)
    assert ada["asked_at"] <= ada["confirmed_at"]
    assert set(ada) == {
        "id",
        "email",
        "firstname",
        "lastname",
        "state",
        "why",
        "asked_at",
        "confirmed_at",
        "decided_at",
        "decided_by",
        "reason",
    }
    assert program.get("/authors?state=active").json["authors"] == []  # type: ignore[index]


@every_engine
def test_activating_twice_answers_the_same(service: Service, program: Program, author: str) -> None:
    first = program.post(f"{author}/activate")
    second = program.post(f"{author}/activate")

    assert first.status_code == second.status_code == 200
    assert first.json == second.json
    assert first.json
    assert (first.json["state"], first.json["decided_by"]) == ("active", SUE)
    assert len(service.deliver()) == 1
    assert program.post(f"{author}/decline", json={}).status_code == 409


def test_declining_takes_a_reason_and_whether_to_tell(
    service: Service, program: Program, author: str
) -> None:
    answer = program.post(f"{author}/decline", json={"reason": "Full.", "tell": False})

    assert answer.json
    assert (answer.json["state"], answer.json["reason"]) == ("declined", "Full.")
    assert service.deliver() == []
    assert program.post(f"{author}/decline", json={"reason": "Other"}).json == answer.json
    assert program.post(f"{author}/activate").status_code == 409


@pytest.mark.parametrize(
    ("method", "path", "given", "status"),
    [
        ("GET", "/authors?state=nonsense", {}, 422),
        ("GET", "/authors?page=0", {}, 422),
        ("GET", "/authors?page=x", {}, 422),
        ("POST", "/authors/1/activate", {}, 404),
        ("POST", "/authors/999/activate", {}, 404),
        ("POST", "/authors/999/decline", {"json": {}}, 404),
        ("POST", "/authors/2/decline", {"data": {"reason": "x"}}, 415),
        ("GET", "/authors?sate=active", {}, 422),
        ("GET", "/authors/999", {}, 404),
        ("POST", "/authors/2/activate", {"json": {"after_all": "yes"}}, 422),
        ("POST", "/authors/2/undo", {}, 409),
        ("GET", "/authors?state=activating", {}, 422),
        ("POST", "/authors/2/decline", {"json": []}, 422),
        ("POST", "/authors/2/decline", {"json": {"reason": 7}}, 422),
        ("POST", "/authors/2/decline", {"json": {"tell": "yes"}}, 422),
        ("POST", "/authors/2/decline", {"data": "{", "content_type": "application/json"}, 422),
        ("DELETE", "/authors/2/decline", {}, 405),
    ],
)
def test_what_cannot_be_done_is_a_problem(
    program: Program, method: str, path: str, given: dict[str, Any], status: int
) -> None:
    auth = (SUE, SUE_PASSWORD)
    answer = program.client.open(f"/api{path}", method=method, auth=auth, **given)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json
    assert answer.json["status"] == status
    assert answer.json["title"]


def test_a_reason_keeps_what_can_be_seen_of_it(program: Program, author: str) -> None:
    answer = program.post(f"{author}/decline", json={"reason": "turned \u202e \ud800around"})
    assert answer.json
    assert answer.json["reason"] == "turned  around"


def test_without_credentials_there_is_one_answer(service: Service, author: str) -> None:
    client = service.app.test_client()
    answers = {
        (answer.status_code, answer.text, answer.headers["WWW-Authenticate"])
        for answer in (
            client.get("/api/authors"),
            client.get("/api/authors", auth=("nobody@example.com", "x")),
            client.get("/api/authors", auth=(SUE, "wrong")),
            client.get("/api/authors", headers={"Authorization": "Bearer x"}),
            client.post(f"/api{author}/activate"),
            client.post("/api/authors/999/activate"),
        )
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401


def test_a_removed_author_is_not_found_again_and_again(
    service: Service, program: Program, author: str
) -> None:
    service.strapi.do("DELETE FROM admin_users WHERE email = ?", ADA)
    for verb in ("activate", "activate", "decline"):
        assert program.post(f"{author}/{verb}").status_code == 404
    assert service.signup()["decided_by"] is None


@pytest.mark.parametrize(
    "given", [{}, {"json": {}}, {"data": "", "content_type": "application/json"}]
)
def test_a_decline_needs_no_body(
    service: Service, program: Program, author: str, given: dict[str, Any]
) -> None:
    assert program.post(f"{author}/decline", **given).status_code == 200
    assert len(service.deliver()) == 1


def test_a_body_that_does_not_tell_its_length_is_refused_and_decides_nothing(
    service: Service, program: Program, author: str
) -> None:
    body = b'{"reason": "Full.", "tell": false}'
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = program.post(
        f"{author}/decline",
        input_stream=io.BytesIO(body),
        content_type="application/json",
        environ_overrides=chunked,
    )
    assert answer.status_code == 411
    assert answer.content_type == "application/problem+json"
    assert service.signup()["state"] == "waiting"


def test_activating_again_lets_in_whom_the_panel_has_put_out(
    service: Service, program: Program, author: str
) -> None:
    program.post(f"{author}/activate")
    service.strapi.do("UPDATE admin_users SET is_active = false WHERE email = ?", ADA)
    assert program.post(f"{author}/activate").status_code == 200
    assert service.strapi.admin(ADA)["is_active"] == 1  # type: ignore[index]


def test_an_absent_strapi_is_a_503(service: Service, program: Program, author: str) -> None:
    with service.strapi.away():
        answer = program.post(f"{author}/activate")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.content_type == "application/problem+json"
