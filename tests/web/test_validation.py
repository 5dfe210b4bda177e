"""What people type: their names, emails and passwords are welcome, tricks are not."""

import time
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import quote_from_bytes

import pytest

from signup.validation import email, names, password_strength, text, typos
from tests.support.service import ADA, ADA_PASSWORD, PUBLIC, Service, Start, Visitor, token_of

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def unlimited(start: Start) -> Service:
    return start(RATELIMIT_ENABLED=False)


@pytest.fixture
def author(service: Service) -> Visitor:
    """Ada's browser, with a link in her mailbox."""
    visitor = service.visitor()
    visitor.ask_and_get_link()
    return visitor


# Names

NAMES = [
    *("O’Neil", "O'Neil", "Nguyễn", "李", "李小龙", "J.R.R.", "J. R. R.", "Anne-Marie", "St. John"),
    *("de la Cruz", "María José", "Ng", "Ö", "Søren", "Ivan IV", "Robert (Bob)", "X Æ A-12"),
    *("نیک\u200cپور", "می\u0651\u200cخواهم", "ක්\u200dෂ", "ശ്\u200dരീ", "क्\u200cष"),
    *("葛\U000e0100城", "神\ufe00", "ᠠ\u180bᠨ", "Ada \u2764\ufe0f", "x" * 64),
    unicodedata.normalize("NFD", "Nguyễn"),
]
NO_NAMES = [
    *(f"Ada{sign}Lovelace" for sign in '/:@<>"\\{}%$#\n'),
    *("Ada＠example", "https：／／x", "evil.com", "Visit evil.com now", "x.com", "EVIL.COM"),
    *("пример.рф", "evil。com", "evil․com", "evil.co.uk", "www.x", "WWW.evil"),
    *("12345", "٣٤٥", "---", "...", "\N{SLICE OF PIZZA}", "x" * 65),
    # Joiners that no script needs there, and selectors that select nothing.
    *("\u200dAda", "Ada\u200c", "Ada \u200dB", "A\u200d\u200dda", "\u200c", "Ada\n\u200c"),
    *("Su\u200dper", "Su\u200cper", "evil.c\u200dom", "Ad\u0301\u200da", "ناصر\u200dزاده"),
    *("ناصر\u200c", "ناصر\u200cAda", "ناصر\u200c\u200cزاده", "李\u200d龙", "क्\u200c\u200dष"),
    *("Su\ufe0fper", "evil.\ufe0fcom", "1\ufe0f Ada", "葛A\U000e0100", "葛\U000e0100\U000e0101"),
    *("Ada \N{WOMAN}\u200d\N{PERSONAL COMPUTER}", "A\u180bda", "ᠠ\u180b\u180c", "Ada\ufe00"),
]


def test_people_are_welcome_with_the_names_they_have(unlimited: Service) -> None:
    for number, name in enumerate(NAMES):
        mine = f"author{number}@example.org"
        assert unlimited.visitor().ask(mine, first=name, last=name).status_code == 303, name
        signup = unlimited.signup(mine)
        assert (signup["firstname"], signup["lastname"]) == (name, name)


def test_text_that_is_no_name_is_refused_at_its_field(unlimited: Service) -> None:
    for name in NO_NAMES:
        for field in ("first", "last"):
            answer = unlimited.visitor().ask(**{"first": "Ada", "last": "Lovelace", field: name})
            assert answer.status_code == 422, name
            assert f'id="{field}name-error">' in answer.text
    assert unlimited.rows("SELECT * FROM signup") == []


def test_a_joiner_that_does_nothing_is_dropped(service: Service) -> None:
    service.visitor().ask(first="ناصر\u200cزاده", last=" Ada ")
    signup = service.signup()
    assert (signup["firstname"], signup["lastname"]) == ("ناصرزاده", "Ada")


HIDDEN = [
    *map(chr, [0, 1, 7, 8, 0xB, 0xC, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F, 0x7F, 0x80, 0x85, 0x9F]),
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c",
    *"\u202d\u202e\u2060\u2061\u2064\u2066\u2067\u2068\u2069\u206f\u2800\u3164\ufeff\uffa0\ufff9",
    *"\ue000\ufffd\ufffe\uffff\U000e0001\U000e0041\U000f0000\U0010ffff",
]


@pytest.mark.parametrize("hidden", HIDDEN, ids=[f"U+{ord(each):04X}" for each in HIDDEN])
def test_an_invisible_character_is_refused_wherever_it_stands(hidden: str) -> None:
    for typed in (f"A{hidden}da", f"{hidden}Ada", f"Ada{hidden}", hidden):
        assert names.fault(text.strip_spaces(typed))
        assert text.fault(typed)
    assert not is_email(f"a{hidden}da@example.org")
    assert not is_email(f"ada@exam{hidden}ple.org")


# Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt.
IGNORABLE = (
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
    *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164)),
    *((0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8)),
    *((0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)


def test_no_ignorable_character_stands_beside_latin_letters() -> None:
    hidden = [chr(code) for first, last in IGNORABLE for code in range(first, last + 1)]
    typed = [
        f for each in hidden for f in (f"Su{each}per", f"{each}Ada", f"Ada{each}", f"A. {each}")
    ]
    assert [each for each in typed if not text.fault(each) or not names.fault(each)] == []


@pytest.mark.parametrize(
    "emoji",
    [
        *("\u2764\ufe0f", "1\ufe0f\u20e3", "\u203c\ufe0f", "\u00a9\ufe0e"),
        "\N{WOMAN}\U0001f3fd\u200d\N{PERSONAL COMPUTER}",
        "\N{HEAVY BLACK HEART}\ufe0f\u200d\N{FIRE}",
        "\U0001f642\u200d\u2194\ufe0f",
    ],
)
def test_text_may_hold_emoji(emoji: str) -> None:
    assert text.fault(f"I write {emoji}!") is None
    assert text.remove_invisible(f"Su\ufe0fper {emoji}") == f"Super {emoji}"


def test_a_motivation_may_hold_lines_and_emoji_but_nothing_invisible(
    service: Service, author: Visitor
) -> None:
    assert author.confirm(why="I \u202eetirw").status_code == 422
    motivation = "Engines.\r\nAnd \N{WOMAN}\u200d\N{PERSONAL COMPUTER}!"
    assert author.confirm(why=motivation).status_code == 303
    assert service.signup()["why"] == motivation


# Emails


def is_email(typed: str) -> bool:
    try:
        return bool(email.normalize(typed))
    except email.InvalidEmail:
        return False


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("a@x。org", "a@x.org"),
        ("ada@ＥＸＡＭＰＬＥ.org", "ada@example.org"),
        ("ADA@EXAMPLE.ORG", "ada@example.org"),
        ("ada@straße.de", "ada@xn--strae-oqa.de"),
        ("ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
        ("ada@日本語テスト.jp", "ada@xn--zckzah9945czlbtz6h.jp"),
        ("ada@한국어.com", "ada@xn--3e0bk47br7k.com"),
        ("ada@και.gr", "ada@xn--mxaqb.gr"),
        ("o'neil+x@example.org", "o'neil+x@example.org"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    ],
)
def test_an_email_has_one_form(typed: str, stored: str) -> None:
    assert email.normalize(typed) == stored


LOOKALIKES = [
    "ada@gоogle.com",  # a Cyrillic letter
    "ada@аррӏе.com",  # nothing but Cyrillic
    "ada@xn--80ak6aa92e.com",  # the same, as the DNS has it
    "ada@xn--gogle-jye.com",
    "ada@ρaypal.com",  # a Greek letter
    "ada@mail.gоogle.com",
]
NO_EMAILS = [
    *("ädä@example.org", "ада@example.org", '"ada"@example.org', '"ada lovelace"@example.org'),
    *("ada@[127.0.0.1]", "ada@[IPv6:::1]", "ada@127.0.0.1", "ada(comment)@example.org"),
    *("Ada <ada@example.org>", "<ada@example.org>", "ada@example.org.", "ada.@example.org"),
    *(".ada@example.org", "a..b@example.org", "ada@b@example.org"),
    *(f"ada@example.org{sign}b@example.org" for sign in (",", ";", " ", "\nBcc: ")),
    *("ada@localhost", "ada@mail", "ada@printer.local", "ada@hidden.onion", "ada@x.test"),
    *("ada@x.invalid", "ada@x.localhost", "ada@1.0.0.127.in-addr.arpa", "ada@x.internal"),
    *("ada@x.alt", "ada@-x.org", "ada@x_y.org", "ada@xn--a.org", "ada@☕.org", "@example.org"),
    *("ada@", "ada", "a" * 65 + "@example.org", "a@" + "b" * 64 + ".org"),
    "a@" + ".".join(["b" * 62] * 4) + ".org",
]


def test_an_email_that_deceives_or_leads_nowhere_is_refused(unlimited: Service) -> None:
    for typed in LOOKALIKES + NO_EMAILS:
        answer = unlimited.visitor().ask(typed)
        assert answer.status_code == 422, typed
        assert 'id="email-error">' in answer.text
    assert unlimited.emails() == []


# Passwords

GUESSED = {
    "many people use it": [
        *("Password1", "P@ssw0rd123", "Qwerty123", "Summer2024", "Password1Password1Password1"),
    ],
    "it repeats itself": ["Aaaaaaaaaaaaaaaa1"],
    "it follows the alphabet": ["Abcdefghijklmnop1"],
    "little more than your name": [
        *("Lovelace1", "AdaLovelace1815", "Ada.Lovelace1", "ada@example.org1A"),
        *("Cms-Example-1", "Strapi123"),
    ],
}
STRONG = [
    *("Xk4vTq9z", "correct Horse 1 battery staple", "Lovelace-brass7engine", "李小龙喜欢7Tea"),
    *("Ümläute sind 1 Freude", "Trombone8Glacier", "x7K" * 2 + "q9" + "Tr" * 3),
    "correct Horse battery Staple 7 and thirty more letters to the end."[:64],
]


@pytest.mark.parametrize("reason", GUESSED)
def test_a_password_that_is_soon_guessed_gets_a_reason_and_advice(
    service: Service, author: Visitor, reason: str
) -> None:
    for password in GUESSED[reason]:
        answer = author.confirm(password=password, why="Because.")

        assert answer.status_code == 422
        assert reason in answer.text.split('id="password-error">')[1].split("</p>")[0]
        assert "Put three words together" in answer.text
        assert password not in answer.text
        assert "Because." in answer.text
    assert service.strapi.admin(ADA) is None
    assert author.confirm().status_code == 303


def test_a_password_that_takes_long_to_guess_is_welcome(unlimited: Service) -> None:
    for number, password in enumerate(STRONG):
        link = unlimited.visitor().ask_and_get_link(f"author{number}@example.org")
        assert unlimited.visitor().confirm(link, password=password).status_code == 303, password


def test_a_password_is_compared_with_the_names_that_are_sent_with_it(author: Visitor) -> None:
    changed = {"firstname": "Augusta", "lastname": "Byron"}
    assert author.confirm(password="AugustaByron1", **changed).status_code == 422
    assert author.confirm(password="Lovelace1815", lastname="Lovelace1815").status_code == 422


def test_bytes_that_are_no_text_are_refused(service: Service, author: Visitor) -> None:
    link = author.link()
    token = token_of(author.get(link))
    typed = [b"Analytical\xff1engine", b"Analytical1\xed\xa0\x80engine", b"\xc3(Analytical1x"]
    start = f"csrf_token={token}&firstname=Ada&why=&password=".encode()
    bodies = [(start + sent, FORM) for sent in typed]
    bodies += [(start + quote_from_bytes(sent).encode(), FORM) for sent in typed]
    fields = {"csrf_token": token, "firstname": "Ada", "why": "", "password": "Analytical1\udcff"}
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    multipart = f"{parts}--b--\r\n".encode(errors="surrogateescape")
    bodies.append((multipart, "multipart/form-data; boundary=b"))
    for body, kind in bodies:
        answer = author.client.post(link, data=body, content_type=kind, base_url=PUBLIC)
        assert answer.status_code == 422, body
    assert service.strapi.admin(ADA) is None
    assert author.confirm(link).status_code == 303


# Cost


def judges() -> Iterable[Callable[[str], object]]:
    """Everything that looks at what a visitor typed."""
    yield names.fault
    yield text.fault
    yield text.strip_spaces
    yield lambda typed: password_strength.fault(cut(typed), [typed] * 4)
    yield lambda typed: password_strength.fault(ADA_PASSWORD, [typed] * 4)
    yield lambda typed: is_email(f"a@{typed}")
    yield is_email


def cut(typed: str) -> str:
    """As much of it as bcrypt reads."""
    return typed.encode()[:72].decode(errors="ignore")


LEET = "4@8({[<3&%6901!|$5+72"
PATTERNS = ["a", "a.", "@", "aA1", LEET, "P@ssw0rd", "1|[1|", "!1|", " ", "\u0301", "ä", "a-"]


@pytest.mark.parametrize("pattern", [*PATTERNS, "a b ", "xn--"])
def test_no_field_takes_half_a_second_of_cpu_however_it_is_filled(pattern: str) -> None:
    typed = pattern * (16 * 1024 // len(pattern))
    for judge in judges():
        began = time.thread_time()
        judge(typed)
        assert time.thread_time() - began < 0.5


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ada@gmial.com", "ada@gmail.com"),
        ("ada@gmail.con", "ada@gmail.com"),
        ("ada@gmail.co", "ada@gmail.com"),
        ("ada@gmal.com", "ada@gmail.com"),
        ("ada@hotmaill.com", "ada@hotmail.com"),
        ("ada@outlok.com", "ada@outlook.com"),
        ("ada@wanado.fr", "ada@wanadoo.fr"),
        *((f"ada@{domain}", None) for domain in ("gmail.com", "email.com", "gmx.at", "yahoo.ie")),
        *((text, None) for text in ("ada@me.co", "ada@example.org", "ada", "")),
    ],
)
def test_a_typing_error_in_a_common_domain_gets_a_suggestion(typed: str, meant: str | None) -> None:
    assert typos.suggestion(typed) == meant
