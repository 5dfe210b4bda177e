"""Bodies, methods and paths that no page of ours sends. tests/attack tries many more."""

import pytest

from tests.support.service import ADA, PUBLIC, Service, Start, Visitor, token_of
from tests.support.strapi_file import SUE, SUE_PASSWORD

FORM = "application/x-www-form-urlencoded"
FORMS = ["/signup", "/review/login", "/review/logout", "/review/several"]
UPLOAD = b'--b\r\nContent-Disposition: form-data; name="email"; filename="x"\r\n\r\nx\r\n--b--\r\n'


@pytest.fixture
def service(start: Start) -> Service:
    """The service without limits, which would answer first."""
    return start(RATELIMIT_ENABLED=False)


@pytest.fixture
def before(service: Service, sue: Visitor) -> list[object]:
    """What no test here may change."""
    service.visitor().apply()
    return effects(service)


def effects(service: Service) -> list[object]:
    tables = [service.rows(f"SELECT * FROM {table}") for table in ("letter", "signup", "session")]
    return [*tables, service.strapi.admins()]


def test_a_body_has_at_most_16_kilobytes_and_a_length(service: Service) -> None:
    client = service.app.test_client()
    for path in ("/signup", "/review/login", "/confirm/x", "/api/authors/1/decline"):
        body = b"a" * 16 * 1024
        fits = client.post(path, data=body, content_type=FORM, base_url=PUBLIC)
        assert fits.status_code in {400, 401, 404}
        long = client.post(path, data=body + b"a", content_type=FORM, base_url=PUBLIC)
        assert long.status_code == 413
    chunked = client.post("/signup", headers={"Transfer-Encoding": "chunked"}, base_url=PUBLIC)
    assert chunked.status_code == 411


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data"])
def test_a_form_has_at_most_20_names_50_values_and_each_field_once(
    service: Service, kind: str
) -> None:
    visitor = service.visitor()
    token = token_of(visitor.get("/signup"))
    given = {"csrf_token": token, "firstname": "Ada", "email": ADA}

    def answer(more: dict[str, object]) -> int:
        data = {**given, **more}
        sent = visitor.client.post("/signup", data=data, content_type=kind, base_url=PUBLIC)
        return sent.status_code

    assert answer({f"a{number}": "1" for number in range(18)}) == 413
    assert answer({"a": ["1"] * 48}) == 413
    for name, value in given.items():
        assert answer({name: [value, value]}) == 400
    for name in ("email[]", "email[0]", "email[$ne]", "user[email]"):
        assert answer({name: "b@example.org"}) == 400
    assert service.emails() == []
    assert answer({f"a{number}": "1" for number in range(17)}) == 303


def test_only_forms_are_read_as_forms(service: Service, sue: Visitor, before: list[object]) -> None:
    kinds = ["application/json", "text/plain", "application/xml", "image/png", "x", "", FORM + "x"]
    for path in FORMS:
        for kind in kinds:
            answer = sue.client.post(path, data=b'{"a": 1}', content_type=kind, base_url=PUBLIC)
            assert answer.status_code == 415, (path, kind)
        upload = "multipart/form-data; boundary=b"
        answer = sue.client.post(path, data=UPLOAD, content_type=upload, base_url=PUBLIC)
        assert answer.status_code == 400
    assert effects(service) == before


def test_other_methods_are_not_allowed_and_do_nothing(
    service: Service, sue: Visitor, before: list[object]
) -> None:
    paths = ["/signup", "/review", "/review/2/activate", service.visitor().link(), "/healthz"]
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO", "PROPFIND"):
        for path in (*paths, "/api/authors/2/activate"):
            auth = (SUE, SUE_PASSWORD) if path.startswith("/api") else None
            answer = sue.client.open(path, method=method, auth=auth, base_url=PUBLIC)
            assert answer.status_code == 405, (method, path)
    assert effects(service) == before


def test_head_is_get_without_a_body(sue: Visitor) -> None:
    for path in ("/signup", "/", "/nowhere", "/review", "/api/authors", "/static/style.css"):
        with (
            sue.client.get(path, base_url=PUBLIC) as got,
            sue.client.head(path, base_url=PUBLIC) as head,
        ):
            assert head.status_code == got.status_code
            assert {**head.headers, "Set-Cookie": ""} == {**got.headers, "Set-Cookie": ""}
            assert head.data == b""
