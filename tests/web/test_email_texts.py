"""Every letter, word for word: `make test ARGS='--renew -k golden'` writes them down afresh."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import html5lib
import pytest
from time_machine import travel

from signup import i18n
from tests.support.page_states import REASON
from tests.support.paths import DATA
from tests.support.service import ADA, Service
from tests.support.smtp_server import html, text

GOLDEN = DATA / "emails"
TODAY = datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
KINDS = [
    "confirm",
    "received",
    "waiting",
    "activated",
    "declined",
    "known-waiting",
    "known-account",
    "known-declined",
]


@pytest.fixture(params=["en"])
def language(request: pytest.FixtureRequest) -> str:
    """What the letters speak: English, unless the test names all languages."""
    return str(request.param)


every_language = pytest.mark.parametrize("language", i18n.known(), indirect=True)


@pytest.fixture
def letters(start: Callable[..., Service], language: str) -> dict[str, EmailMessage]:
    """Each letter as it arrives in the mailbox of Ada, Grace, or Sue, who decides."""
    service = start(SITE_NAME="The Magazine")
    service.language = language
    service.strapi.do("UPDATE admin_users SET prefered_language = ?", language)
    author, sue = service.visitor(), service.visitor()
    found = {}
    with travel(TODAY, tick=False):
        author.ask()
        [found["confirm"]] = service.deliver()
        author.confirm()
        found["received"], found["waiting"] = service.deliver()
        author.ask()
        [found["known-waiting"]] = service.deliver()
        sue.log_in()
        sue.decide("activate", service.signup()["strapi_id"])
        [found["activated"]] = service.deliver()
        author.ask()
        [found["known-account"]] = service.deliver()
        grace = "grace@example.org"
        author.apply(grace)
        sue.decide("decline", service.signup(grace)["strapi_id"], reason=REASON, tell="y")
        [found["declined"]] = service.deliver()
        author.ask(grace)
        [found["known-declined"]] = service.deliver()
    return found


def parts(letter: EmailMessage) -> dict[str, str]:
    """What a letter says, but for its tokens."""
    whole = {"subject.txt": letter["Subject"], "body.txt": text(letter), "body.html": html(letter)}
    return {name: normal(said) for name, said in whole.items()}


def normal(said: str) -> str:
    lines = "\n".join(said.splitlines()) + "\n"
    return re.sub(r"/(confirm|stop)/[\w.-]+", r"/\1/TOKEN", lines)


@every_language
def test_every_letter_says_what_is_written_down(
    letters: dict[str, EmailMessage], language: str, request: pytest.FixtureRequest
) -> None:
    assert sorted(letters) == sorted(KINDS)
    for kind, letter in letters.items():
        for name, said in parts(letter).items():
            file = GOLDEN / language / kind / name
            if request.config.getoption("--renew"):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(said)
            assert said == file.read_text(), file


def test_nothing_is_written_down_that_is_no_letter() -> None:
    assert sorted(folder.name for folder in GOLDEN.iterdir()) == i18n.known()
    for folder in GOLDEN.iterdir():
        assert sorted(letter.name for letter in folder.iterdir()) == sorted(KINDS)


@every_language
def test_every_letter_is_valid_html_in_short_lines(
    letters: dict[str, EmailMessage], language: str
) -> None:
    for letter in letters.values():
        tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html(letter))
        assert tree.get("lang") == language
        assert max(map(len, letter.as_bytes().splitlines())) <= 998


def test_every_letter_needs_no_picture_and_fetches_nothing(
    letters: dict[str, EmailMessage],
) -> None:
    for letter in letters.values():
        assert not re.search(r"<img|<link|<script|url\(|@import|background=", html(letter))


@every_language
def test_every_letter_names_the_site_and_who_sent_it(letters: dict[str, EmailMessage]) -> None:
    for letter in letters.values():
        assert "The Magazine" in letter["Subject"]
        assert letter["From"] == "The Magazine <post@example.com>"
        assert "The Magazine" in text(letter)
        assert '<p class="site">The Magazine</p>' in html(letter)
        assert f"<h1>{letter['Subject']}</h1>" in html(letter)


def test_every_button_is_a_plain_link_on_a_line_of_its_own_too(
    letters: dict[str, EmailMessage],
) -> None:
    buttons = 0
    for letter in letters.values():
        for url in re.findall(r'<a class="button" href="([^"]+)"', html(letter)):
            buttons += 1
            assert f'\n<a class="link" href="{url}">{url}</a>' in html(letter)
            assert url in text(letter).splitlines()
    assert buttons == 7


@every_language
def test_every_letter_says_in_html_what_it_says_in_text(letters: dict[str, EmailMessage]) -> None:
    for letter in letters.values():
        tree = html5lib.parse(html(letter), namespaceHTMLElements=False)
        words = set(re.findall(r"\w+", " ".join(tree.find("body").itertext()).replace("’", "'")))
        told = set(re.findall(r"\w+", text(letter).replace("’", "'")))
        assert len(told - words) <= 12, told - words


def test_letters_say_until_when(letters: dict[str, EmailMessage]) -> None:
    assert "The link works for 2 days, until 25 November 2026, 09:15 UTC." in html(
        letters["confirm"]
    )
    for kind in ("declined", "known-declined"):
        assert "apply again" in text(letters[kind])
        assert "from 23 December 2026" in text(letters[kind])
        assert "from 23 December 2026" in html(letters[kind])


def test_who_is_declined_may_apply_again_when_the_letter_says(
    start: Callable[..., Service], later: Callable[[timedelta], None]
) -> None:
    service = start()
    author, sue = service.visitor(), service.visitor()
    author.apply()
    sue.log_in()
    sue.decide("decline", service.signup()["strapi_id"], reason="", tell="y")
    service.deliver()
    later(timedelta(days=30, minutes=1))
    author.ask()
    [letter] = service.deliver()
    assert letter["To"] == ADA
    assert "choose a password" in text(letter)
