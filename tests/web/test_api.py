"""The API: JSON, Basic credentials, problems as RFC 9457 describes them."""

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.conftest import every_engine
from tests.support.service import ADA, Service
from tests.support.strapi_file import SUE, SUE_PASSWORD

FIELDS = "id email firstname lastname state why asked_at confirmed_at decided_at decided_by reason"


class Program:
    """A program with a super admin's credentials."""

    def __init__(self, service: Service) -> None:
        self.client = service.app.test_client()

    def get(self, path: str) -> TestResponse:
        return self.call("GET", path)

    def post(self, path: str, **given: Any) -> TestResponse:
        return self.call("POST", path, **given)

    def call(self, method: str, path: str, **given: Any) -> TestResponse:
        auth = (SUE, SUE_PASSWORD)
        return self.client.open(f"/api{path}", method=method, auth=auth, **given)


@pytest.fixture
def program(service: Service) -> Program:
    service.visitor().apply()
    return Program(service)


@pytest.fixture
def author(service: Service, program: Program) -> str:
    return f"/authors/{service.author_id()}"


def json_of(answer: TestResponse) -> dict[str, Any]:
    assert isinstance(answer.json, dict)
    return answer.json


def test_the_description_names_every_call_and_the_services_url(service: Service) -> None:
    described = json_of(service.app.test_client().get("/api/openapi.json"))

    assert described["servers"] == [{"url": "https://join.example.com"}]
    calls = {
        (method.upper(), path.replace("{id}", "<int:author_id>"))
        for path, methods in described["paths"].items()
        for method in methods
        if method != "parameters"
    }
    assert calls == {
        (method, rule.rule)
        for rule in service.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }


def test_the_authors_of_a_state_are_listed(service: Service, program: Program) -> None:
    listed = json_of(program.get("/authors?state=waiting&page=1"))

    [ada] = listed.pop("authors")
    assert listed == {"page": 1, "pages": 1, "total": 1}
    assert set(ada) == set(FIELDS.split())
    assert ada["id"] == (service.strapi.admin(ADA) or {})["id"]
    assert (ada["email"], ada["state"], ada["decided_at"]) == (ADA, "waiting", None)
    assert ada["asked_at"] <= ada["confirmed_at"]
    assert json_of(program.get("/authors?state=active"))["authors"] == []


@every_engine
def test_activating_twice_answers_the_same(service: Service, program: Program, author: str) -> None:
    answers = [program.post(f"{author}/activate") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    first, second = map(json_of, answers)
    assert first == second
    assert (first["state"], first["decided_by"]) == ("active", SUE)
    assert len(service.deliver()) == 1
    assert program.post(f"{author}/decline", json={}).status_code == 409


def test_declining_takes_a_reason_and_whether_to_tell_the_author(
    service: Service, program: Program, author: str
) -> None:
    answer = json_of(program.post(f"{author}/decline", json={"reason": "Full.", "tell": False}))

    assert (answer["state"], answer["reason"]) == ("declined", "Full.")
    assert service.deliver() == []
    assert json_of(program.post(f"{author}/decline", json={"reason": "Other"})) == answer
    assert program.post(f"{author}/activate").status_code == 409


@pytest.mark.parametrize(
    "given", [{}, {"json": {}}, {"data": "", "content_type": "application/json"}]
)
def test_a_decline_without_a_body_tells_the_author(
    service: Service, program: Program, author: str, given: dict[str, Any]
) -> None:
    assert program.post(f"{author}/decline", **given).status_code == 200
    assert len(service.deliver()) == 1


def test_a_reason_keeps_only_what_can_be_seen(program: Program, author: str) -> None:
    answer = program.post(f"{author}/decline", json={"reason": "turned \u202e \ud800around"})
    assert json_of(answer)["reason"] == "turned  around"


def test_what_cannot_be_done_is_a_problem(program: Program) -> None:
    half_a_body = {"data": "{", "content_type": "application/json"}
    problems: list[tuple[str, dict[str, Any], int]] = [
        ("GET /authors?state=nonsense", {}, 422),
        ("GET /authors?state=activating", {}, 422),
        ("GET /authors?sate=active", {}, 422),
        ("GET /authors?page=0", {}, 422),
        ("GET /authors?page=x", {}, 422),
        ("GET /authors/999", {}, 404),
        ("POST /authors/1/activate", {}, 404),
        ("POST /authors/999/activate", {}, 404),
        ("POST /authors/999/decline", {"json": {}}, 404),
        ("POST /authors/2/activate", {"json": {"after_all": "yes"}}, 422),
        ("POST /authors/2/undo", {}, 409),
        ("POST /authors/2/decline", {"data": {"reason": "x"}}, 415),
        ("POST /authors/2/decline", {"data": b"a=b", "content_type": "text/plain"}, 415),
        ("POST /authors/2/decline", {"json": []}, 422),
        ("POST /authors/2/decline", {"json": {"reason": 7}}, 422),
        ("POST /authors/2/decline", {"json": {"tell": "yes"}}, 422),
        ("POST /authors/2/decline", half_a_body, 422),
        ("DELETE /authors/2/decline", {}, 405),
    ]
    for request, given, status in problems:
        answer = program.call(*request.split(" "), **given)
        assert answer.status_code == status, request
        assert answer.content_type == "application/problem+json"
        assert json_of(answer)["status"] == status
        assert json_of(answer)["title"]


def test_a_body_without_a_length_is_refused_and_decides_nothing(
    service: Service, program: Program, author: str
) -> None:
    answer = program.post(
        f"{author}/decline",
        input_stream=io.BytesIO(b'{"reason": "Full.", "tell": false}'),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    assert answer.status_code == 411
    assert answer.content_type == "application/problem+json"
    assert service.state() == "waiting"


def test_without_valid_credentials_every_answer_is_the_same_401(
    service: Service, author: str
) -> None:
    client = service.app.test_client()
    answers = {
        (answer.status_code, answer.text, answer.headers["WWW-Authenticate"])
        for answer in (
            client.get("/api/authors"),
            client.get("/api/authors", auth=("nobody@example.com", "x")),
            client.get("/api/authors", auth=(SUE, "wrong")),
            client.get("/api/authors", headers={"Authorization": "Bearer x"}),
            client.get("/api/authors", headers={"Authorization": "Basic //79/w=="}),
            client.get("/api/authors", headers={"Authorization": "Basic " + "QUFB" * 2000}),
            client.post(f"/api{author}/activate"),
            client.post("/api/authors/999/activate"),
        )
    }
    assert [status for status, *_ in answers] == [401]


def test_a_removed_author_is_not_found(service: Service, program: Program, author: str) -> None:
    service.strapi.remove(ADA)
    for verb in ("activate", "activate", "decline"):
        assert program.post(f"{author}/{verb}").status_code == 404
    assert service.signup()["decided_by"] is None


def test_an_author_whom_the_panel_deactivated_can_be_activated_again(
    service: Service, program: Program, author: str
) -> None:
    program.post(f"{author}/activate")
    service.strapi.change(ADA, "is_active = false")
    assert program.post(f"{author}/activate").status_code == 200
    assert service.strapi.is_active(ADA)


def test_without_strapi_the_answer_is_503(service: Service, program: Program, author: str) -> None:
    with service.strapi.away():
        answer = program.post(f"{author}/activate")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.content_type == "application/problem+json"
