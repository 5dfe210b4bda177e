"""Languages: which one is spoken to whom, and that no word of it is missing."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import html5lib
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from babel.support import NullTranslations
from playwright.sync_api import Browser, Page, expect

from signup import i18n, settings
from tests.browser.test_whole_way import find_letter, sandbox  # noqa: F401 (the whole way, in each)
from tests.support.page_states import REASON, SCENES, WAITING, gallery
from tests.support.paths import ROOT
from tests.support.service import ADA, PUBLIC, Service, Visitor
from tests.support.smtp_server import html, text
from tests.support.strapi_file import STRAPI_VERSIONS, SUE

WORDS = ROOT / "signup" / "translations"
TRANSLATED = ["de", "es", "fr", "pt"]
EXTRACT = "--quiet extract --mapping pyproject.toml --keyword lazy_gettext --keyword Altered"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|</?\w[^>]*>")


def use_language(service: Service, language: str) -> Visitor:
    """Somebody whose browser prefers a language."""
    visitor = service.visitor()
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return visitor


def said_in(language: str, english: str) -> str:
    return i18n.catalogue(language).ugettext(english)


# Which language is spoken


@pytest.mark.parametrize(
    ("preferred", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CH, en;q=0.8", "fr"),
        ("ja, pt-BR;q=0.7, de;q=0.5", "pt"),
        ("ja", "en"),
        ("*", "en"),
        ("nonsense;;q=x", "en"),
        ("fr;q=0, de", "de"),
    ],
)
def test_a_page_speaks_what_the_browser_prefers(
    service: Service, preferred: str, language: str
) -> None:
    page = use_language(service, preferred).get("/signup")

    assert page.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in page.text


def test_what_was_chosen_is_spoken_from_then_on_whatever_the_browser_prefers(
    service: Service,
) -> None:
    visitor = use_language(service, "de")

    assert visitor.get("/signup?lang=fr").headers["Content-Language"] == "fr"

    assert visitor.get("/signup").headers["Content-Language"] == "fr"
    assert visitor.get("/nowhere").headers["Content-Language"] == "fr"
    assert visitor.post("/signup/again").headers["Content-Language"] == "fr"


@pytest.mark.parametrize("unknown", ["", "it", "../fr", "fr_CH", "x" * 999])
def test_a_language_that_is_not_offered_cannot_be_chosen(service: Service, unknown: str) -> None:
    visitor = use_language(service, "de")
    page = visitor.get(f"/signup?lang={unknown}")
    assert page.status_code == 200
    assert page.headers["Content-Language"] == "de"
    assert visitor.get("/signup").headers["Content-Language"] == "de"


def test_the_switch_keeps_the_place_in_the_list_and_marks_what_is_spoken(
    service: Service,
) -> None:
    sue = service.visitor()
    sue.log_in()

    page = sue.get("/review?state=active&q=ada&lang=es").text

    address = "?state=active&amp;q=ada&amp;lang=pt"
    assert f'<a href="{address}" lang="pt" hreflang="pt">Português</a>' in page
    assert 'hreflang="es" aria-current="true">Español</a>' in page
    assert page.count("aria-current") == 1


def test_who_logs_in_or_out_reads_on_in_the_language_that_was_chosen(service: Service) -> None:
    sue = service.visitor()
    sue.get("/review/login?lang=pt")
    assert sue.log_in().location == "/review"
    assert sue.get("/review").headers["Content-Language"] == "pt"
    assert sue.post("/review/logout", page="/review").location == "/review/login"
    assert sue.get("/review/login").headers["Content-Language"] == "pt"


def test_no_switch_stands_where_what_was_typed_would_be_lost(service: Service) -> None:
    visitor = service.visitor()
    assert "hreflang" in visitor.get("/signup").text
    assert "hreflang" not in visitor.ask("no address").text


def test_where_one_language_is_offered_there_is_no_switch(start: Callable[..., Service]) -> None:
    visitor = use_language(start(LANGUAGES=["de"]), "fr")
    page = visitor.get("/signup?lang=en")
    assert page.headers["Content-Language"] == "de"
    assert "hreflang" not in page.text


def test_the_first_language_is_the_default(start: Callable[..., Service]) -> None:
    service = start(LANGUAGES="pt, en")
    assert service.visitor().get("/signup").headers["Content-Language"] == "pt"


@pytest.mark.parametrize("given", ["en,it", "English", "../en", []])
def test_a_language_without_a_catalogue_is_refused_at_the_start(
    start: Callable[..., Service], given: object
) -> None:
    with pytest.raises(settings.SettingsError, match="SIGNUP_LANGUAGES must be some of de, en, es"):
        settings.require(start(LANGUAGES=given).app)


def test_programs_are_answered_in_english(service: Service) -> None:
    program = use_language(service, "fr")
    assert "Log in as an active super admin of Strapi." in program.get("/api/authors").text
    assert program.client.get("/healthz", base_url=PUBLIC).headers.get("Content-Language") is None


# What is remembered


def test_letters_speak_the_language_that_the_author_asked_in(service: Service) -> None:
    author, sue = use_language(service, "de"), service.visitor()

    author.apply()
    sue.log_in()
    sue.decide("activate", service.signup()["strapi_id"])
    service.deliver()

    subjects = [letter["Subject"] for letter in service.mail.messages if letter["To"] == ADA]
    expected = [
        "Confirm your address for %(site_name)s",
        "%(site_name)s has your application",
        "You can write for %(site_name)s now",
    ]
    site = {"site_name": "cms.example.com"}
    assert subjects == [said_in("de", subject) % site for subject in expected]
    theirs = [html(each) for each in service.mail.messages if each["To"] == ADA]
    assert all('<html lang="de">' in each for each in theirs)


def test_the_page_behind_a_link_speaks_the_language_that_the_author_asked_in(
    service: Service,
) -> None:
    link = use_language(service, "fr").apply()
    assert use_language(service, "de").get(link).headers["Content-Language"] == "fr"
    assert use_language(service, "de").get(f"{link}?lang=es").headers["Content-Language"] == "es"


def test_a_language_chosen_behind_the_link_is_that_of_the_letters_that_follow(
    service: Service,
) -> None:
    author = use_language(service, "fr")
    author.ask()
    service.deliver()
    author.get(f"{author.link()}?lang=pt")

    author.confirm()

    assert service.signup()["language"] == "pt"
    [letter] = [each for each in service.deliver() if each["To"] == ADA]
    assert '<html lang="pt">' in html(letter)


def test_a_stranger_who_types_the_address_again_changes_no_language_of_a_confirmed_signup(
    service: Service,
) -> None:
    use_language(service, "fr").apply()

    use_language(service, "de").ask()

    [letter] = service.deliver()
    assert '<html lang="fr">' in html(letter)
    assert service.signup()["language"] == "fr"


@pytest.mark.parametrize("backend", STRAPI_VERSIONS, indirect=True)
@pytest.mark.parametrize(("language", "kept"), [("en", None), ("fr", "fr"), ("pt-BR", "pt")])
def test_strapi_speaks_to_the_author_in_the_same_language(
    service: Service, language: str, kept: str | None
) -> None:
    use_language(service, language).apply()
    assert service.strapi.admin(ADA)["prefered_language"] == kept  # type: ignore[index]


@pytest.mark.parametrize(
    ("theirs", "language"), [("de", "de"), ("pt-BR", "pt"), ("ja", "en"), (None, "en")]
)
def test_a_reviewers_letters_speak_the_reviewers_language_in_strapi(
    service: Service, theirs: str | None, language: str
) -> None:
    service.strapi.do("UPDATE admin_users SET prefered_language = ?", theirs)
    use_language(service, "fr").apply()
    [letter] = [each for each in service.mail.messages if each["To"] == SUE]
    assert f'<html lang="{language}">' in html(letter)


def test_the_letter_of_a_decline_is_shown_in_the_authors_language(service: Service) -> None:
    use_language(service, "fr").apply()
    sue = use_language(service, "de")
    sue.log_in()

    page = sue.decide("preview", service.signup()["strapi_id"], reason=REASON, tell="y")

    assert page.headers["Content-Language"] == "de"
    sections = html5lib.parse(page.text, namespaceHTMLElements=False).findall(".//section")
    assert [each.find("div").get("lang") for each in sections] == ["fr"]
    site = {"site_name": "cms.example.com"}
    subject = said_in("fr", "About your application to %(site_name)s") % site
    assert sections[0].findtext(".//h3") == subject


def test_an_erased_signup_no_longer_says_which_language_its_person_spoke(
    service: Service,
) -> None:
    visitor = use_language(service, "fr")
    visitor.ask()
    service.deliver()
    visitor.post(visitor.link("stop"))
    service.deliver()
    assert service.rows("SELECT email, language FROM signup") == [{"email": None, "language": None}]


# The catalogues


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every text there is now."""
    file = tmp_path_factory.mktemp("words") / "messages.pot"
    pybabel = str(Path(sys.executable).with_name("pybabel"))
    subprocess.run([pybabel, *EXTRACT.split(), "--output", file, "."], cwd=ROOT, check=True)
    with file.open("rb") as written:
        return read_po(written)


def written(file: Path) -> Catalog:
    with file.open("rb") as content:
        return read_po(content)


def ids(catalog: Catalog) -> set[object]:
    return {message.id for message in catalog if message.id}


def pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Each form of a message beside its translation."""
    english, translated = message.id, message.string
    if isinstance(english, str):
        yield english, str(translated)
    else:
        for number, form in enumerate(translated or ()):
            yield english[min(number, 1)], form


def test_the_catalogue_for_translators_holds_every_text(template: Catalog) -> None:
    assert ids(written(WORDS / "messages.pot")) == ids(template)
    assert len(ids(template)) > 250


def test_there_is_a_catalogue_for_each_language() -> None:
    assert i18n.available_languages() == sorted(["en", *TRANSLATED])


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(template: Catalog, language: str) -> None:
    catalog = written(WORDS / language / "messages.po")
    assert ids(catalog) == ids(template)
    missing = [m.id for m in catalog if m.id and (m.fuzzy or not all(s for _, s in pairs(m)))]
    assert missing == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_placeholder_and_no_mark_is_lost_or_made_up(language: str) -> None:
    differing = [
        (english, translation)
        for message in written(WORDS / language / "messages.po")
        if message.id
        for english, translation in pairs(message)
        if translation
        and sorted(PLACEHOLDER.findall(english)) != sorted(PLACEHOLDER.findall(translation))
    ]
    assert differing == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_brings_signs_that_mean_something(language: str) -> None:
    for message in written(WORDS / language / "messages.po"):
        for _, translation in pairs(message) if message.id else ():
            rest = PLACEHOLDER.sub("", translation)
            assert not re.search(r"[<>&%]", rest), translation
            assert translation == translation.strip()


# Nothing speaks English to those who do not


class Marks(NullTranslations):
    """Puts every text that can be translated between brackets."""

    def ugettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ungettext(self, singular: str, plural: str, num: int) -> str:
        return f"⟦{singular if num == 1 else plural}⟧"


class Marked(i18n.Catalogues):
    def get_translations(self) -> NullTranslations:
        return Marks()


# What a page says to people, whether it is seen, read out or only in the title.
SAID = """() => {
  const said = [document.title];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walk.nextNode();) said.push(node.data);
  for (const each of document.body.querySelectorAll('*'))
    for (const name of ['aria-label', 'placeholder', 'alt', 'title'])
      said.push(each.getAttribute(name));
  return said.filter(Boolean).join('');
}"""
# What is nobody's to translate: the switch's own names, what is quoted, and code.
QUOTED = "[hreflang], blockquote, code, textarea, script, style, [lang=en]:not(html)"
PEOPLE = [word for row in WAITING for word in row if isinstance(word, str) and word]
NAMES = ["The Magazine", REASON, "Ada", "Lovelace", *PEOPLE]


def untranslated(said: str) -> list[str]:
    """The words outside the brackets, but for names, addresses and numbers."""
    while said != (inner := re.sub(r"⟦[^⟦⟧]*⟧", " ", said)):
        said = inner
    said = re.sub(r"https?://\S+|[\w.*+-]+@[\w.-]+\w", " ", said)
    for name in sorted(NAMES, key=len, reverse=True):
        said = said.replace(name, " ")
    return re.findall(r"[^\W\d_]{2,}", said)


def test_no_word_of_any_page_or_letter_is_left_untranslated(browser: Browser) -> None:
    page = browser.new_page()
    left: dict[str, list[str]] = {}
    with gallery(page, domain=Marked()) as shown:  # type: ignore[no-untyped-call]
        shown.log_in()
        for name, show in SCENES.items():
            show(shown)
            page.evaluate(f"document.querySelectorAll('{QUOTED}').forEach((each) => each.remove())")
            said = page.evaluate(SAID)
            assert "⟦" in said, name
            left |= {name: words} if (words := untranslated(said)) else {}
        for letter in shown.service.mail.messages:
            words = untranslated(f"{letter['Subject']}\n{text(letter)}")
            left |= {str(letter["Subject"]): words} if words else {}
    assert left == {}
    assert len(shown.service.mail.messages) > 20


def test_the_search_for_untranslated_words_would_find_one() -> None:
    assert untranslated("⟦Hello ⟦2 days⟧ there⟧ Ada, ada@example.org · Log in") == ["Log", "in"]


# The whole way


@pytest.mark.parametrize("language", i18n.available_languages())
def test_the_whole_way_by_clicking_in_each_language(
    request: pytest.FixtureRequest, browser: Browser, language: str
) -> None:
    home = request.getfixturevalue("sandbox")
    context = browser.new_context(locale=language)
    page = context.new_page()
    email = f"ada-{language}-{time.monotonic_ns()}@example.org"
    words = i18n.catalogue(language).ugettext
    site = {"site_name": "The Sandbox Gazette"}

    page.goto(home)
    fill(page, words("First name"), "Ada")
    fill(page, words("E-mail address"), email)
    press(page, words("Send me the link"))
    expect(heading(page)).to_have_text(words("Check your mail"))
    letter = find_letter(page, email, words("Confirm your address for %(site_name)s") % site)
    letter.get_by_role("link", name="/confirm/").click()
    fill(page, words("Password"), "short")
    press(page, words("Apply"))
    expect(page.get_by_role("alert")).to_contain_text(words("There is a problem"))
    fill(page, words("Password"), "Analytical1engine")
    press(page, words("Apply"))
    expect(heading(page)).to_have_text(words("We have your application"))
    expect(page.locator("html")).to_have_attribute("lang", language)

    password = page.locator(".sandbox code").nth(1).inner_text()
    page.get_by_role("link", name="Review desk").click()
    fill(page, words("E-mail address"), "super.admin@example.com")
    fill(page, words("Password"), password)
    press(page, words("Log in"))
    page.get_by_role("article").filter(has_text=email).get_by_role(
        "button", name=words("Activate")
    ).click()
    expect(page.get_by_role("alert")).to_contain_text(
        words("%(name)s is active.") % {"name": "Ada"}
    )
    subject = words("You can write for %(site_name)s now") % site
    expect(find_letter(page, email, subject)).to_be_visible()
    context.close()


def test_the_switch_is_a_link(request: pytest.FixtureRequest, browser: Browser) -> None:
    home = request.getfixturevalue("sandbox")
    page = browser.new_context(locale="de", java_script_enabled=False).new_page()
    page.goto(home)
    page.get_by_role("link", name="Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("link", name="Français")).to_have_attribute("aria-current", "true")
    page.context.close()


def heading(page: Page):  # type: ignore[no-untyped-def]
    return page.get_by_role("heading", level=1)


def fill(page: Page, label: str, typed: str) -> None:
    page.get_by_label(label, exact=True).fill(typed)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
