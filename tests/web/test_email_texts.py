"""What emails say. `make test ARGS='--renew -k email_texts'` renews tests/data/emails."""

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import html5lib
import pytest
from time_machine import travel

from tests.support.page_states import REASON
from tests.support.paths import DATA
from tests.support.service import ADA, GRACE, LANGUAGES, Later, Service, Start
from tests.support.smtp_server import html, text

EXPECTED = DATA / "emails"
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
    "disputed",
]


def every_email(service: Service, language: str = "en") -> dict[str, EmailMessage]:
    """One email of each kind, as it arrives in the mailbox of Ada, Grace, or Sue, who decides."""
    service.language = language
    service.strapi.do("UPDATE admin_users SET prefered_language = ?", language)
    author, found = service.visitor(), {}
    with travel(TODAY, tick=False):
        author.ask()
        [found["confirm"]] = service.deliver()
        author.confirm()
        found["received"], found["waiting"] = service.deliver()
        author.ask()
        [found["known-waiting"]] = service.deliver()
        sue = service.reviewer()
        sue.decide("activate", ADA)
        [found["activated"]] = service.deliver()
        author.ask()
        [found["known-account"]] = service.deliver()
        author.apply(GRACE)
        sue.decide("decline", GRACE, reason=REASON, tell="y")
        [found["declined"]] = service.deliver()
        author.ask(GRACE)
        [found["known-declined"]] = service.deliver()
        author.post(author.link("stop"))
        [found["disputed"]] = service.deliver()
    return found


def parts(email: EmailMessage) -> dict[str, str]:
    """The subject and both bodies, but for tokens."""
    whole = {"subject.txt": email["Subject"], "body.txt": text(email), "body.html": html(email)}
    lines = {name: "\n".join(part.splitlines()) + "\n" for name, part in whole.items()}
    token = re.compile(r"/(confirm|stop)/[\w.-]+")
    return {name: token.sub(r"/\1/TOKEN", part) for name, part in lines.items()}


@pytest.fixture
def emails(start: Start) -> dict[str, EmailMessage]:
    return every_email(start(SITE_NAME="The Magazine"))


def test_every_email_says_in_english_what_is_written_down(
    emails: dict[str, EmailMessage], request: pytest.FixtureRequest
) -> None:
    assert sorted(emails) == sorted(KINDS)
    for kind, email in emails.items():
        for name, part in parts(email).items():
            file = EXPECTED / "en" / kind / name
            if request.config.getoption("--renew"):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(part)
            assert part == file.read_text(), file


def test_every_file_that_is_written_down_is_an_emails() -> None:
    assert sorted(folder.name for folder in (EXPECTED / "en").iterdir()) == sorted(KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_email_renders_in_each_language(start: Start, language: str) -> None:
    for email in every_email(start(SITE_NAME="The Magazine"), language).values():
        tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html(email))
        assert tree.get("lang") == language
        assert max(map(len, email.as_bytes().splitlines())) <= 998
        # The text and the HTML have the same words.
        words = set(re.findall(r"\w+", " ".join(tree.find("body").itertext()).replace("’", "'")))
        missing = set(re.findall(r"\w+", text(email).replace("’", "'"))) - words
        assert len(missing) <= 12, missing
        assert not re.search(r"{{|{%|\bNone\b|%\(", text(email) + html(email))
        # It loads nothing, and each button is a plain link, too.
        assert not re.search(r"<img|<link|<script|url\(|@import|background=", html(email))
        for url in re.findall(r'<a class="button" href="([^"]+)"', html(email)):
            assert f'\n<a class="link" href="{url}">{url}</a>' in html(email)
            assert url in text(email).splitlines()
        # Who it is from.
        assert email["From"] == "The Magazine <post@example.com>"
        assert "The Magazine" in email["Subject"]
        assert "The Magazine" in text(email)
        assert '<p class="site">The Magazine</p>' in html(email)
        assert f"<h1>{email['Subject']}</h1>" in html(email)


def test_a_declined_author_may_apply_again_when_the_email_says(
    service: Service, later: Later
) -> None:
    author = service.visitor()
    author.apply()
    service.reviewer().decide("decline", ADA, reason="", tell="y")
    service.deliver()
    later(timedelta(days=30, minutes=1))
    author.ask()
    [email] = service.deliver()
    assert "choose a password" in text(email)
    assert author.confirm().status_code == 303
    assert service.state() == "waiting"
    assert len(service.strapi.admins()) == 2
