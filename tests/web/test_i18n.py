"""Which language a page or an email has, and whether the catalogues are complete."""

import re
from collections.abc import Iterator
from pathlib import Path

import html5lib
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

from signup import i18n, settings
from tests.support.paths import ROOT
from tests.support.service import ADA, LANGUAGES, PUBLIC, Service, Start, Visitor
from tests.support.smtp_server import html
from tests.support.strapi_file import STRAPI_VERSIONS, SUE

CATALOGUES = ROOT / "signup" / "translations"
TRANSLATED = [language for language in LANGUAGES if language != "en"]
KEYWORDS = "--keyword lazy_gettext --keyword RowChanged --keyword ReviewerGone"
EXTRACT = f"--quiet extract --mapping pyproject.toml {KEYWORDS}"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|</?\w[^>]*>")


def visitor_with(service: Service, language: str) -> Visitor:
    """A visitor whose browser prefers a language."""
    visitor = service.visitor()
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return visitor


def language_of(visitor: Visitor, path: str = "/signup") -> str | None:
    return visitor.get(path).headers.get("Content-Language")


# Pages


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
def test_a_page_has_the_language_that_the_browser_prefers(
    service: Service, preferred: str, language: str
) -> None:
    page = visitor_with(service, preferred).get("/signup")

    assert page.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in page.text


def test_a_chosen_language_stays_also_after_a_login_and_a_logout(service: Service) -> None:
    visitor = visitor_with(service, "de")
    assert language_of(visitor, "/signup?lang=fr") == "fr"
    assert language_of(visitor) == language_of(visitor, "/nowhere") == "fr"
    assert visitor.post("/signup/again").headers["Content-Language"] == "fr"

    visitor.get("/review/login?lang=pt")
    assert visitor.log_in().location == "/review"
    assert language_of(visitor, "/review") == "pt"
    assert visitor.post("/review/logout", page="/review").location == "/review/login"
    assert language_of(visitor, "/review/login") == "pt"


def test_a_language_that_is_not_offered_cannot_be_chosen(service: Service) -> None:
    visitor = visitor_with(service, "de")
    for unknown in ("", "xx", "../fr", "fr_CH", "x" * 999):
        assert language_of(visitor, f"/signup?lang={unknown}") == "de"
        assert language_of(visitor) == "de"


def test_the_switch_keeps_the_query_and_marks_the_current_language(sue: Visitor) -> None:
    page = sue.get("/review?state=active&q=ada&lang=es").text

    link = '<a href="?state=active&amp;q=ada&amp;lang=pt" lang="pt" hreflang="pt">Português</a>'
    assert link in page
    assert 'hreflang="es" aria-current="true">Español</a>' in page
    assert page.count("aria-current") == 1


def test_there_is_no_switch_where_typed_text_would_be_lost(service: Service) -> None:
    visitor = service.visitor()
    assert "hreflang" in visitor.get("/signup").text
    assert "hreflang" not in visitor.ask("no address").text


def test_the_settings_name_the_languages_and_the_first_is_the_default(start: Start) -> None:
    assert language_of(start(LANGUAGES="pt, en").visitor()) == "pt"
    page = visitor_with(start(LANGUAGES=["de"]), "fr").get("/signup?lang=en")
    assert page.headers["Content-Language"] == "de"
    assert "hreflang" not in page.text


@pytest.mark.parametrize("given", ["en,xx", "English", "../en", []])
def test_a_language_without_a_catalogue_is_refused_at_the_start(
    start: Start, given: object
) -> None:
    with pytest.raises(settings.SettingsError, match="SIGNUP_LANGUAGES must be some of de, en,"):
        settings.require(start(LANGUAGES=given).app)


def test_programs_get_english(service: Service) -> None:
    program = visitor_with(service, "fr")
    assert "Log in as an active super admin of Strapi." in program.get("/api/authors").text
    assert program.client.get("/healthz", base_url=PUBLIC).headers.get("Content-Language") is None


# The author's language


def test_emails_and_the_links_page_have_the_language_that_the_author_asked_in(
    service: Service, sue: Visitor
) -> None:
    link = visitor_with(service, "fr").apply()
    sue.decide("activate", ADA)
    service.deliver()

    emails = service.mail.to(ADA)
    assert len(emails) == 3
    assert all('<html lang="fr">' in html(email) for email in emails)
    assert language_of(visitor_with(service, "de"), link) == "fr"
    assert language_of(visitor_with(service, "de"), f"{link}?lang=es") == "es"


def test_a_language_chosen_on_the_links_page_is_that_of_later_emails(service: Service) -> None:
    author = visitor_with(service, "fr")
    author.get(f"{author.ask_and_get_link()}?lang=pt")

    author.confirm()

    assert service.signup()["language"] == "pt"
    service.deliver()
    assert '<html lang="pt">' in html(service.mail.to(ADA)[-1])


def test_a_stranger_cannot_change_the_language_of_a_confirmed_signup(service: Service) -> None:
    visitor_with(service, "fr").apply()

    visitor_with(service, "de").ask()

    [email] = service.deliver()
    assert '<html lang="fr">' in html(email)
    assert service.signup()["language"] == "fr"


@pytest.mark.parametrize("backend", STRAPI_VERSIONS, indirect=True)
def test_strapis_panel_gets_the_authors_language(service: Service) -> None:
    for language, stored in (("en", None), ("fr", "fr"), ("pt-BR", "pt")):
        email = f"{language.lower()}@example.org"
        visitor_with(service, language).apply(email)
        assert (service.strapi.admin(email) or {})["prefered_language"] == stored


@pytest.mark.parametrize(
    ("theirs", "language"), [("de", "de"), ("pt-BR", "pt"), ("ja", "en"), (None, "en")]
)
def test_emails_to_a_reviewer_have_the_language_that_the_reviewer_has_in_strapi(
    service: Service, theirs: str | None, language: str
) -> None:
    service.strapi.do("UPDATE admin_users SET prefered_language = ?", theirs)
    visitor_with(service, "fr").apply()
    assert f'<html lang="{language}">' in html(service.mail.to(SUE)[0])


def test_the_preview_of_a_decline_has_the_authors_language(service: Service) -> None:
    visitor_with(service, "fr").apply()
    sue = visitor_with(service, "de")
    sue.log_in()

    page = sue.decide("preview", ADA, reason="We are full.", tell="y")

    assert page.headers["Content-Language"] == "de"
    [section] = html5lib.parse(page.text, namespaceHTMLElements=False).findall(".//section")
    assert section.find("div").get("lang") == "fr"
    subject = i18n.catalogue("fr").ugettext("About your application to %(site_name)s")
    assert section.findtext(".//h3") == subject % {"site_name": "cms.example.com"}


def test_an_erased_signup_has_no_language(service: Service) -> None:
    visitor = visitor_with(service, "fr")
    visitor.ask_and_get_link()
    visitor.post(visitor.link("stop"))
    service.deliver()
    assert service.rows("SELECT email, language FROM signup") == [{"email": None, "language": None}]


# The catalogues


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every text in code and templates, extracted as `make language` does."""
    file = tmp_path_factory.mktemp("catalogue") / "messages.pot"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        words = ["pybabel", *EXTRACT.split(), "--output", str(file), "."]
        CommandLineInterface().run(words)  # type: ignore[no-untyped-call]
    return catalog_in(file)


def catalog_in(file: Path) -> Catalog:
    with file.open("rb") as content:
        return read_po(content)


def ids(catalog: Catalog) -> set[object]:
    return {message.id for message in catalog if message.id}


def translations(language: str) -> Iterator[tuple[str, str]]:
    """Each English text beside its translation, each plural form by itself."""
    message: Message
    for message in catalog_in(CATALOGUES / language / "messages.po"):
        english, translated = message.id, message.string
        if isinstance(english, str):
            yield from [(english, str(translated))] if english else []
        else:
            for number, form in enumerate(translated or ()):
                yield english[min(number, 1)], form


def test_the_template_for_translators_holds_every_text(template: Catalog) -> None:
    assert ids(catalog_in(CATALOGUES / "messages.pot")) == ids(template)
    assert len(ids(template)) > 250


def test_every_offered_language_has_a_catalogue() -> None:
    assert set(i18n.available_languages()) >= {"en", "de", "es", "fr", "pt"} == set(LANGUAGES)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(template: Catalog, language: str) -> None:
    catalog = catalog_in(CATALOGUES / language / "messages.po")
    assert ids(catalog) == ids(template)
    assert [message.id for message in catalog if message.id and message.fuzzy] == []
    assert [english for english, translated in translations(language) if not translated] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_placeholders_and_tags_of_its_text(language: str) -> None:
    for english, translated in translations(language):
        expected = sorted(PLACEHOLDER.findall(english))
        assert sorted(PLACEHOLDER.findall(translated)) == expected, english
        assert not re.search(r"[<>&%]", PLACEHOLDER.sub("", translated)), translated
        assert translated == translated.strip()
