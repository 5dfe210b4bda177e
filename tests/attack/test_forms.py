"""Attacks on every field of every form."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attack.conftest import Check
from tests.attack.corpus import KNOWN, TEXTS
from tests.attack.inputs import some, texts
from tests.attack.target import Markup, Target, bad_emails, form_body
from tests.support.service import ADA, ADA_PASSWORD, PUBLIC, Visitor
from tests.support.strapi_file import SUE, SUE_PASSWORD

URLENCODED = "application/x-www-form-urlencoded"
# The rows that a success may add or change, by table.
ASKED = {"signup": 1, "event": 1, "letter": 1}
CONFIRMED = {"signup": 1, "event": 2, "letter": 3, "admin_users": 1, "admin_users_roles_lnk": 1}
DECIDED = {"signup": 1, "event": 1, "letter": 1, "admin_users": 1}
NAMES = {"firstname": "Ada", "lastname": "Lovelace"}
REASON = {"reason": "We are full.", "tell": "y"}


@dataclass(frozen=True, eq=False)
class Form:
    """The path of a form, its page and fields, and what its success may change."""

    path: str
    page: str
    fields: dict[str, str] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)
    review: bool = False

    def __str__(self) -> str:
        return self.path


SIGNUP = Form("/signup", "/signup", {**NAMES, "email": "eve@example.org"}, ASKED)
CONFIRM = Form("{open}", "{open}", {"password": ADA_PASSWORD, **NAMES, "why": "Why"}, CONFIRMED)
LOGIN = Form("/review/login", "/review/login", {"email": SUE, "password": SUE_PASSWORD})
SEVERAL = {"authors": "{id}", "verb": "preview", **REASON}
FORMS = [
    SIGNUP,
    Form("/signup/again", "/signup/sent"),
    CONFIRM,
    Form("{open}/renew", "/signup"),
    Form("{waiting}/withdraw", "{waiting}"),
    Form("{stop}", "{stop}"),
    LOGIN,
    Form("/review/logout", "/review", review=True),
    Form("/review/{id}/activate", "/review", {"after_all": "y"}, DECIDED, review=True),
    Form("/review/{id}/decline", "/review", REASON, DECIDED, review=True),
    Form("/review/{id}/preview", "/review", REASON, review=True),
    Form("/review/{id}/undo", "/review", review=True),
    Form("/review/several", "/review", SEVERAL, review=True),
    Form("/review/letters/1/send-again", "/review", review=True),
    Form("/review/letters/send-again", "/review", review=True),
    Form("/review/notices/off", "/review", review=True),
]
WITH_FIELDS = [form for form in FORMS if form.fields]
FIELDS = [(form, name) for form in FORMS for name in (*form.fields, "csrf_token")]

each_form = pytest.mark.parametrize("form", FORMS, ids=str)
each_form_with_fields = pytest.mark.parametrize("form", WITH_FIELDS, ids=str)
each_field = pytest.mark.parametrize(("form", "name"), FIELDS, ids=str)


class Attacker:
    """Send forms with something wrong in them, and undo what a success has changed."""

    def __init__(self, target: Target, check: Check) -> None:
        self.target = target
        self.check = check
        self._filled: dict[Form, dict[str, str]] = {}

    def submit(
        self, kind: str, form: Form, *changes: tuple[str, str], success: bool = True, **sent: Any
    ) -> int:
        """Send a form with these fields changed or added; return the status."""
        fields = {**self.filled(form), **dict(changes)}
        return self.send(kind, form, form_body(fields), success=success, **sent)

    def send(
        self, kind: str, form: Form, body: bytes, *, success: bool = False, **sent: Any
    ) -> int:
        """Send this body to a form's path, and check the answer. `success` allows its changes."""
        given = {"data": body, "content_type": URLENCODED, **sent}
        self.filled(form)
        self.target.watch.changes()
        path, client = self.target.path(form.path), self._visitor(form).client
        with client.post(path, base_url=PUBLIC, **given) as answer:
            try:
                self.check(kind, answer, allowed=form.allowed if success else {})
            finally:
                if answer.status_code == 303:
                    self._undo(form)
        return answer.status_code

    def filled(self, form: Form) -> dict[str, str]:
        """The form with its token, filled in as it should be."""
        if form not in self._filled:
            page = self._visitor(form).get(self.target.path(form.page))
            fields = {n: v.format(id=self.target.author_id) for n, v in form.fields.items()}
            self._filled[form] = {**Markup(page.text).hidden, **fields}
            assert self._filled[form]["csrf_token"], form
        return dict(self._filled[form])

    def without(self, form: Form, name: str) -> list[tuple[str, str]]:
        return [(n, v) for n, v in self.filled(form).items() if n != name]

    def _visitor(self, form: Form) -> Visitor:
        if form.review:
            return self.target.sue
        if form is LOGIN:
            return self.target.stranger
        return self.target.nobody if form.path.startswith("/") else self.target.author

    def _undo(self, form: Form) -> None:
        if "{open}" in form.path:
            self.target.invite()
        if form.path == "{waiting}/withdraw":
            self.target.apply()
        if form.allowed == DECIDED:
            self.target.sue.decide("undo", int(self.target.author_id))
        self._filled.clear()


@pytest.fixture
def attacker(target: Target, check: Check) -> Iterator[Attacker]:
    yield Attacker(target, check)
    target.service.deliver()
    assert list(bad_emails(target.service)) == target.intruders() == []
    target.service.mail.clear()


@each_field
def test_no_field_lets_anything_through(attacker: Attacker, form: Form, name: str) -> None:
    # Without its token or with another password, no form succeeds.
    success = name != "csrf_token" and form is not LOGIN

    @given(texts)
    def attack(text: str) -> None:
        attacker.submit("generated text in a field", form, (name, text), success=success)

    attack()
    for text in some(TEXTS, f"{form.path} {name}"):
        attacker.submit("known attack in a field", form, (name, text), success=success)


@each_form_with_fields
def test_a_field_of_any_other_name_changes_nothing(attacker: Attacker, form: Form) -> None:
    @given(texts, texts)
    def attack(name: str, text: str) -> None:
        success = name not in form.fields and name != "csrf_token"
        attacker.submit("field that the form has not", form, (name, text), success=success)

    if form is not LOGIN:
        attack()


@pytest.mark.parametrize("form", [SIGNUP, CONFIRM], ids=str)
def test_no_visitor_sets_what_is_not_his_to_set(attacker: Attacker, form: Form) -> None:
    unasked = KNOWN["unasked fields"] | {
        name: form.fields[name] for name in KNOWN["unasked fields"] if name in form.fields
    }

    attacker.submit("mass assignment", form, *unasked.items())

    for signup in attacker.target.service.rows("SELECT * FROM signup"):
        assert "mallory" not in str(signup)
        assert signup["state"] in ("asked", "waiting")
    assert "mallory" not in str(attacker.target.service.strapi.admins())


@each_form_with_fields
def test_a_field_given_twice_is_refused(attacker: Attacker, form: Form) -> None:
    for name in set(form.fields) - {"authors"}:
        body = form_body([*attacker.filled(form).items(), (name, "evil@example.net")])
        assert attacker.send("field given twice", form, body) in (400, 422)


def test_one_field_with_one_email_is_the_only_way_to_sign_up(attacker: Attacker) -> None:
    for name in ("email[]", "email[0]", "email[$ne]", "email.0", "Email", "email "):
        fields = [*attacker.without(SIGNUP, "email"), (name, ADA), (name, "evil@example.net")]
        body = form_body(fields)
        assert attacker.send("array or object instead of a field", SIGNUP, body) in (400, 422)
    for text in (f"{ADA},evil@example.net", f"{ADA};evil@example.net", f"{ADA}\nevil@example.net"):
        assert attacker.submit("several emails", SIGNUP, ("email", text), success=False) == 422


@each_form_with_fields
def test_bytes_that_are_not_utf_8_are_refused(attacker: Attacker, form: Form) -> None:
    for name in set(form.fields) - {"authors", "tell", "after_all"}:
        for raw in ("%ff%fe", "a%ed%a0%80", "%c0%ae", "%f4%90%80%80", "Aa1bcdef%80"):
            body = form_body(attacker.without(form, name)) + f"&{name}={raw}".encode()
            assert attacker.send("bytes that are not UTF-8", form, body) in (400, 422)


@each_form
def test_a_body_that_is_no_form_is_refused(attacker: Attacker, form: Form) -> None:
    good = attacker.filled(form)
    for kind in KNOWN["content types"]:
        for body in (json.dumps(good).encode(), form_body(good), b""):
            status = attacker.send("body of another type", form, body, content_type=kind)
            assert status in (400, 415, 422)


@pytest.mark.parametrize("form", [SIGNUP, CONFIRM], ids=str)
def test_another_charset_changes_nothing(attacker: Attacker, form: Form) -> None:
    name = ("firstname", "+ADw-x-evil+AD4-")
    for charset in ("utf-7", "utf-16", "idna", "punycode", "base64", "zip", "evil"):
        kind = f"{URLENCODED}; charset={charset}"
        attacker.submit("body in another charset", form, name, content_type=kind)


@each_form
def test_any_bytes_can_be_sent_as_a_form(attacker: Attacker, form: Form) -> None:
    start, end = b'--b\r\nContent-Disposition: form-data; name="', b"\r\n--b--\r\n"
    multipart: dict[str, Any] = {"content_type": "multipart/form-data; boundary=b"}

    @given(st.binary(max_size=400))
    def attack(body: bytes) -> None:
        attacker.send("generated bytes as a form", form, body)
        attacker.send("generated bytes as a form", form, start + body + end, **multipart)

    attack()


@pytest.mark.parametrize("form", FORMS[:3], ids=str)
def test_a_form_that_is_too_large_is_refused(attacker: Attacker, form: Form) -> None:
    fields = [*attacker.filled(form).items(), *((f"x{number}", "") for number in range(500))]
    assert attacker.send("hundreds of fields", form, form_body(fields)) in (400, 413)
    assert attacker.send("16 kB", form, form_body({"email": "a" * 20_000})) == 413


@each_form
def test_another_site_sends_no_form(attacker: Attacker, form: Form) -> None:
    for header in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{PUBLIC}.evil.example"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
    ):
        status = attacker.submit("sent by another site", form, success=False, headers=header)
        assert status == 400, header
