"""Every field of every form, filled in by somebody who means harm."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attack.corpus import CONTENT_TYPES, TEXTS, UNASKED
from tests.attack.inputs import some, texts
from tests.attack.target import Markup, Target, bad_letters, form_body
from tests.support.service import ADA, ADA_PASSWORD, PUBLIC, SUE, SUE_PASSWORD, Visitor

URLENCODED = "application/x-www-form-urlencoded"
# What a yes at page 1 makes: a signup, a line of its history, a letter that is owed.
ASKED = {"signup": 1, "event": 1, "letter": 1}
# A yes behind the link makes an author, with one link to a role, and letters.
CONFIRMED = {"signup": 1, "event": 2, "letter": 3, "admin_users": 1, "admin_users_roles_lnk": 1}
DECIDED = {"signup": 1, "event": 1, "letter": 1, "admin_users": 1}
NAMES = {"firstname": "Ada", "lastname": "Lovelace"}
REASON = {"reason": "We are full.", "tell": "y"}


@dataclass(frozen=True, eq=False)
class Form:
    """A form: where it goes, what it asks, and which rows its success may add or change."""

    path: str
    page: str
    fields: dict[str, str] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    desk: bool = False

    @property
    def name(self) -> str:
        return self.path.replace("{open}", "/confirm/…").replace("{waiting}", "/confirm/…")


FORMS = [
    Form("/signup", "/signup", {**NAMES, "email": "eve@example.org"}, ASKED),
    Form("/signup/again", "/signup/sent"),
    Form("{open}", "{open}", {"password": ADA_PASSWORD, **NAMES, "why": "Why not"}, CONFIRMED),
    Form("{open}/renew", "/signup"),
    Form("{waiting}/withdraw", "{waiting}"),
    Form("{stop}", "{stop}"),
    Form("/review/login", "/review/login", {"email": SUE, "password": SUE_PASSWORD}),
    Form("/review/logout", "/review", desk=True),
    Form("/review/{id}/activate", "/review", {"after_all": "y"}, DECIDED, desk=True),
    Form("/review/{id}/decline", "/review", REASON, DECIDED, desk=True),
    Form("/review/{id}/preview", "/review", REASON, desk=True),
    Form("/review/{id}/undo", "/review", desk=True),
    Form("/review/several", "/review", {"authors": "{id}", "verb": "preview", **REASON}, desk=True),
    Form("/review/letters/1/send-again", "/review", desk=True),
    Form("/review/letters/send-again", "/review", desk=True),
    Form("/review/notices/off", "/review", desk=True),
]
FIELDS = [
    pytest.param(form, name, id=f"{form.name}-{name}")
    for form in FORMS
    for name in (*form.fields, "csrf_token")
]


class Attacker:
    """Fills in forms with something wrong in them, and puts back what a yes has changed."""

    def __init__(self, target: Target, judge: Callable[..., None]) -> None:
        self.target = target
        self.judge = judge
        self._ready: dict[Form, dict[str, str]] = {}

    def try_out(
        self, kind: str, form: Form, *changes: tuple[str, str], due: bool = True, **sent: Any
    ) -> int:
        """Send a form with these fields in the place of its own, or besides; returns the status."""
        fields = {**self._filled(form), **dict(changes)}
        return self.send(kind, form, form_body(fields), due=due, **sent)

    def send(self, kind: str, form: Form, body: bytes, *, due: bool = True, **sent: Any) -> int:
        """Send this body where a form goes, and judge the answer."""
        given = {"data": body, "content_type": URLENCODED, **sent}
        self._filled(form)
        self.target.watch.effects()
        with self._visitor(form).client.post(
            self.target.path(form.path), base_url=PUBLIC, **given
        ) as answer:
            try:
                self.judge(kind, answer, due=form.due if due else {})
            finally:
                if answer.status_code == 303:
                    self._restore(form)
        return answer.status_code

    def filled(self, form: Form) -> dict[str, str]:
        """The form as somebody means well would send it."""
        return dict(self._filled(form))

    def _filled(self, form: Form) -> dict[str, str]:
        if form not in self._ready:
            page = self._visitor(form).get(self.target.path(form.page))
            fields = {n: v.format(id=self.target.author_id) for n, v in form.fields.items()}
            self._ready[form] = {**Markup(page.text).hidden, **fields}
            assert self._ready[form]["csrf_token"], form
        return self._ready[form]

    def _visitor(self, form: Form) -> Visitor:
        if form.desk:
            return self.target.sue
        if form.path == "/review/login":
            return self.target.stranger
        return self.target.nobody if form.path.startswith("/") else self.target.author

    def _restore(self, form: Form) -> None:
        if "{open}" in form.path:
            self.target.invite()
        if form.path == "{waiting}/withdraw":
            self.target.apply()
        if form.due == DECIDED:
            self.target.sue.decide("undo", int(self.target.author_id))
        self._ready.clear()


@pytest.fixture
def attacker(target: Target, judge: Callable[..., None]) -> Iterator[Attacker]:
    yield Attacker(target, judge)
    target.service.deliver()
    assert list(bad_letters(target.service)) == target.intruders() == []
    target.service.mail.forget()


@pytest.mark.parametrize(("form", "name"), FIELDS)
def test_no_field_lets_anything_through(attacker: Attacker, form: Form, name: str) -> None:
    @given(texts)
    def attack(text: str) -> None:
        attacker.try_out("generated text in a field", form, (name, text), due=is_due(form, name))

    attack()


@pytest.mark.parametrize(("form", "name"), FIELDS)
def test_no_field_is_hurt_by_what_attackers_type(attacker: Attacker, form: Form, name: str) -> None:
    for text in some(TEXTS, f"{form.path} {name}"):
        attacker.try_out("known attack in a field", form, (name, text), due=is_due(form, name))


def is_due(form: Form, name: str) -> bool:
    """Whether a form with something else in this field may still be taken."""
    return name != "csrf_token" and form.path != "/review/login"


@pytest.mark.parametrize("form", [form for form in FORMS if form.due or form.fields])
def test_fields_of_any_name_change_nothing_else(attacker: Attacker, form: Form) -> None:
    @given(texts, texts)
    def attack(name: str, text: str) -> None:
        due = name not in form.fields and name != "csrf_token"
        attacker.try_out("field that nobody asked for", form, (name, text), due=due)

    if form.path != "/review/login":
        attack()


@pytest.mark.parametrize("form", [form for form in FORMS if form.path in ("/signup", "{open}")])
def test_what_is_nobodys_to_set_stays_as_it_is(attacker: Attacker, form: Form) -> None:
    unasked = {**UNASKED, **{n: form.fields[n] for n in UNASKED if n in form.fields}}

    attacker.try_out("mass assignment", form, *unasked.items())

    for signup in attacker.target.service.rows("SELECT * FROM signup"):
        assert "mallory" not in str(signup)
        assert signup["state"] in ("asked", "waiting")
    assert "mallory" not in str(attacker.target.service.strapi.admins())


@pytest.mark.parametrize("form", [form for form in FORMS if form.fields])
def test_a_field_given_twice_is_refused(attacker: Attacker, form: Form) -> None:
    fields = list(attacker.filled(form).items())
    for name in form.fields:
        if name != "authors":
            twice = form_body([*fields, (name, "evil@example.net")])
            assert attacker.send("field given twice", form, twice, due=False) in (400, 422)


@pytest.mark.parametrize(
    "name", ["email[]", "email[0]", "email[$ne]", "email.0", "Email", "email "]
)
def test_an_address_under_another_name_is_no_address(attacker: Attacker, name: str) -> None:
    form = FORMS[0]
    fields = [(n, v) for n, v in attacker.filled(form).items() if n != "email"]
    body = form_body([*fields, (name, ADA), (name, "evil@example.net")])
    assert attacker.send("array or object in place of a field", form, body, due=False) in (400, 422)


def test_several_addresses_in_one_field_are_none(attacker: Attacker) -> None:
    for text in (f"{ADA},evil@example.net", f"{ADA};evil@example.net", f"{ADA}\nevil@example.net"):
        status = attacker.try_out("several addresses", FORMS[0], ("email", text), due=False)
        assert status == 422


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.fields], ids=lambda form: form.name
)
def test_bytes_that_are_no_text_are_refused(attacker: Attacker, form: Form) -> None:
    for name in set(form.fields) - {"authors", "tell", "after_all"}:
        fields = [(n, v) for n, v in attacker.filled(form).items() if n != name]
        for raw in ("%ff%fe", "a%ed%a0%80", "%c0%ae", "%f4%90%80%80", "Aa1bcdef%80"):
            body = form_body(fields) + f"&{name}={raw}".encode()
            status = attacker.send("bytes that are no UTF-8", form, body, due=False)
            assert status in (400, 422)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_what_is_no_form_is_refused(attacker: Attacker, form: Form) -> None:
    good = attacker.filled(form)
    for kind in CONTENT_TYPES:
        for body in (json.dumps(good).encode(), form_body(good), b""):
            status = attacker.send("body of another type", form, body, due=False, content_type=kind)
            assert status in (400, 415, 422)


@pytest.mark.parametrize("form", [FORMS[0], FORMS[2]], ids=lambda form: form.name)
def test_another_charset_is_no_way_around(attacker: Attacker, form: Form) -> None:
    good = attacker.filled(form)
    for charset in ("utf-7", "utf-16", "idna", "punycode", "base64", "zip", "evil"):
        sent: dict[str, Any] = {"content_type": f"{URLENCODED}; charset={charset}"}
        body = form_body({**good, "firstname": "+ADw-x-evil+AD4-"})
        attacker.send("body in another charset", form, body, **sent)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_any_bytes_may_be_sent_as_a_form(attacker: Attacker, form: Form) -> None:
    parts = b'--b\r\nContent-Disposition: form-data; name="'

    @given(st.binary(max_size=400), st.sampled_from(["plain", "multipart"]))
    def attack(body: bytes, kind: str) -> None:
        multipart = {"content_type": "multipart/form-data; boundary=b"}
        sent = multipart if kind == "multipart" else {}
        whole = parts + body + b"\r\n--b--\r\n" if sent else body
        attacker.send("generated bytes as a form", form, whole, due=False, **sent)

    attack()


@pytest.mark.parametrize("form", FORMS[:3], ids=lambda form: form.name)
def test_a_form_with_hundreds_of_fields_is_refused(attacker: Attacker, form: Form) -> None:
    fields = [*attacker.filled(form).items(), *((f"x{number}", "") for number in range(500))]
    assert attacker.send("hundreds of fields", form, form_body(fields), due=False) in (400, 413)
    assert attacker.send("16 kB", form, form_body({"email": "a" * 20_000}), due=False) == 413


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
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
        status = attacker.try_out("sent by another site", form, due=False, headers=header)
        assert status == 400, header
