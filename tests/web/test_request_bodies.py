"""Bodies, methods and paths that no page of ours makes: refused, and never a fault of ours."""

import pytest

from models.ledger.database import MAX_ID
from tests.support.service import ADA, PUBLIC, Service, Visitor, token_of
from tests.support.strapi_file import SUE

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def sue(service: Service) -> Visitor:
    visitor = service.visitor()
    visitor.log_in()
    return visitor


def effects(service: Service) -> list[object]:
    return [service.rows(f"SELECT * FROM {table}") for table in ("letter", "signup", "session")]


@pytest.mark.parametrize(
    "path", ["/signup", "/review/login", "/confirm/x", "/api/authors/1/decline"]
)
def test_a_body_has_at_most_16_kilobytes(service: Service, path: str) -> None:
    client = service.app.test_client()
    long = client.post(path, data=b"a" * (16 * 1024 + 1), content_type=FORM, base_url=PUBLIC)
    assert long.status_code == 413
    fits = client.post(path, data=b"a" * 16 * 1024, content_type=FORM, base_url=PUBLIC)
    assert fits.status_code in {400, 401, 404}


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data"])
def test_a_form_has_at_most_20_names_and_50_values(service: Service, kind: str) -> None:
    visitor = service.visitor()
    token = token_of(visitor.get("/signup"))
    given: dict[str, object] = {"csrf_token": token, "firstname": "Ada", "email": ADA}

    def answer(more: dict[str, object]) -> int:
        data = {**given, **more}
        return visitor.client.post(
            "/signup", data=data, content_type=kind, base_url=PUBLIC
        ).status_code

    assert answer({f"a{number}": "1" for number in range(18)}) == 413
    assert answer({"a": ["1"] * 48}) == 413
    assert service.rows("SELECT * FROM letter") == []
    assert answer({f"a{number}": "1" for number in range(17)}) == 303


@pytest.mark.parametrize("name", ["email", "firstname", "csrf_token"])
def test_a_field_given_twice_is_refused(service: Service, name: str) -> None:
    visitor = service.visitor()
    token = token_of(visitor.get("/signup"))
    given: dict[str, object] = {"csrf_token": token, "firstname": "Ada", "email": ADA}
    given[name] = [given[name], given[name]]
    answer = visitor.client.post("/signup", data=given, base_url=PUBLIC)
    assert answer.status_code == 400
    assert service.rows("SELECT * FROM letter") == []


@pytest.mark.parametrize("name", ["email[]", "email[0]", "email[$ne]", "user[email]"])
def test_a_name_with_brackets_is_another_name(service: Service, name: str) -> None:
    visitor = service.visitor()
    answer = visitor.post("/signup", **{"firstname": "Ada", name: ADA})
    assert answer.status_code in {400, 422}
    assert service.rows("SELECT * FROM letter") == []


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/xml", "image/png", "x", "", FORM + "x"]
)
@pytest.mark.parametrize("path", ["/signup", "/review/login", "/review/logout", "/review/several"])
def test_only_forms_are_taken_for_forms(
    service: Service, sue: Visitor, path: str, kind: str
) -> None:
    before = effects(service)
    answer = sue.client.post(path, data=b'{"email": "a"}', content_type=kind, base_url=PUBLIC)
    assert answer.status_code == 415
    assert effects(service) == before


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data", "text/plain", "application/xml"])
def test_only_json_is_taken_for_json(service: Service, kind: str) -> None:
    answer = service.app.test_client().post(
        "/api/authors/1/decline", data=b"a=b", content_type=kind, auth=(SUE, "Super1secret")
    )
    # An author that is none comes after a body that is none.
    assert answer.status_code == 415


BODIES = [
    b"",
    b"=",
    b"&&&&",
    b"email=%FF%FE&firstname=%80",
    b"email=%00&firstname=%00&password=%00",
    b"csrf_token=%ED%A0%80&email=%ED%A0%80",
    b"%00=%00",
    b"email=%",
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=x", "multipart/form-data"])
@pytest.mark.parametrize("path", ["/signup", "/review/login", "/review/several", "/stop/x"])
def test_no_body_is_a_fault_of_ours(service: Service, sue: Visitor, path: str, kind: str) -> None:
    before = effects(service)
    for body in BODIES:
        answer = sue.client.post(path, data=body, content_type=kind, base_url=PUBLIC)
        assert answer.status_code in {400, 404, 413, 415, 422}, body
    assert effects(service) == before


@pytest.mark.parametrize(
    "method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO", "PROPFIND"]
)
def test_other_methods_are_not_allowed_and_do_nothing(
    service: Service, sue: Visitor, method: str
) -> None:
    service.visitor().apply()
    before = [effects(service), service.strapi.admins()]
    for path in ("/signup", "/review", "/review/2/activate", service.visitor().link(), "/healthz"):
        assert sue.client.open(path, method=method, base_url=PUBLIC).status_code == 405
    path = "/api/authors/2/activate"
    answer = sue.client.open(path, method=method, auth=(SUE, "Super1secret"), base_url=PUBLIC)
    assert answer.status_code == 405
    assert [effects(service), service.strapi.admins()] == before


def test_head_is_get_without_a_body(service: Service, sue: Visitor) -> None:
    for path in ("/signup", "/", "/nowhere", "/review", "/api/authors", "/static/style.css"):
        with (
            sue.client.get(path, base_url=PUBLIC) as got,
            sue.client.head(path, base_url=PUBLIC) as head,
        ):
            assert head.status_code == got.status_code
            assert {**head.headers, "Set-Cookie": ""} == {**got.headers, "Set-Cookie": ""}
            assert head.data == b""


PATHS = [
    "//",
    "///signup",
    "//evil.example/",
    "//evil.example/%2e%2e",
    "/\\evil.example",
    "/%5Cevil.example/",
    "/%00",
    "/signup%00",
    "/signup/%2e%2e/review",
    "/../../etc/passwd",
    "/static/../app.py",
    "/static/%2e%2e/app.py",
    "/static/..%2fapp.py",
    "/static//etc/passwd",
    "/static/%00",
    "/static/" + "a" * 5000,
    "/.git/config",
    "/.env",
    "/%ff%fe",
    "/confirm/%ff",
    "/confirm/%00",
    "/confirm/" + "a" * 100_000,
    "/confirm/.",
    "/confirm/..",
    "/confirm/a.b.c",
    "/confirm/%2e%2e",
    "/stop/" + "é" * 100,
    "/signup?%ff=%fe&a=%00",
    "/signup?correct=" + "a" * 50_000,
    "/review?q=%ff%00&page=%ff",
    "/review?q=" + "a" * 50_000,
    "/review?page=99999999999999999999",
    "/review?page=-1",
    f"/review?page={MAX_ID}",
    "/review?page=1e9&state[]=x",
    f"/review?done={MAX_ID + 1}&back=-1&missed=x",
    f"/review/signup/{MAX_ID + 1}",
    f"/review/signup/{2**200}",
    "/review/signup/-1",
    "/review/signup/1%00",
    "/review/signup/٣",
    f"/review/{MAX_ID + 1}/activate",
    f"/review/letters/{2**64}/send-again",
    f"/api/authors/{MAX_ID + 1}",
    f"/api/authors/{2**200}/decline",
    "/api/authors?page=99999999999999999999",
    "/api/authors?q=%00%ff",
]


@pytest.mark.parametrize("path", PATHS, ids=[path[:40] for path in PATHS])
def test_no_path_is_a_fault_of_ours_or_leads_elsewhere(
    service: Service, sue: Visitor, path: str
) -> None:
    before = effects(service)
    token = token_of(sue.get("/review"))
    for method in ("GET", "POST"):
        auth = (SUE, "Super1secret") if path.startswith("/api/") else None
        data = None if auth else {"csrf_token": token}
        with sue.client.open(path, method=method, data=data, auth=auth, base_url=PUBLIC) as answer:
            assert answer.status_code < 500
            location = answer.location or "/"
            assert location.startswith(("/", f"{PUBLIC}/"))
            assert not location.startswith(("//", "/\\"))
            assert b"[project]" not in answer.data
            assert b"create_app" not in answer.data
    assert effects(service) == before


@pytest.mark.parametrize("verb", ["activate", "decline", "undo"])
@pytest.mark.parametrize("number", [MAX_ID, MAX_ID + 1, 2**200, 0])
def test_an_id_beyond_every_column_is_nobodys(
    service: Service, sue: Visitor, verb: str, number: int
) -> None:
    assert sue.decide(verb, number).status_code == 404
    client, auth = service.app.test_client(), (SUE, "Super1secret")
    assert client.post(f"/api/authors/{number}/{verb}", auth=auth).status_code == 404
    chosen = {"csrf_token": token_of(sue.get("/review")), "verb": verb, "authors": str(number)}
    assert sue.client.post("/review/several", data=chosen, base_url=PUBLIC).status_code == 422


@pytest.mark.parametrize(
    "given", ["Basic", "Basic x", "Basic //79/w==", "Basic OnB3", "Basic AAA6AAA=", "Bearer x",
              "Digest username=x", "Basic 7aCAOu2ggA==", "", "Basic " + "QUFB" * 2000],
)  # fmt: skip
def test_no_credentials_are_a_fault_of_ours(service: Service, given: str) -> None:
    client = service.app.test_client()
    answer = client.get("/api/authors", headers={"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
