"""What scripts add for those who have them, and what the server does for everybody else."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from signup.validation import typos
from tests.support.page_states import Gallery, gallery
from tests.support.service import ADA, LANGUAGES, Service


@pytest.fixture(scope="module")
def shown(browser: Browser) -> Iterator[Gallery]:
    page = browser.new_context().new_page()
    with gallery(page) as shown:
        yield shown
    page.context.close()


def typed_password(page: Page) -> Page:
    page.get_by_label("Password", exact=True).press_sequentially("Engines")
    return page


def test_a_double_click_sends_once(shown: Gallery) -> None:
    sent: list[Request] = []
    shown.page.on("request", lambda each: sent.append(each) if each.method == "POST" else None)
    shown.open("/signup")
    shown.page.get_by_label("First name").fill("Ada")
    shown.page.get_by_label("E-mail address").fill("double@example.org")

    shown.page.get_by_role("button", name="Send me the link").dblclick()

    expect(shown.page.get_by_role("heading", level=1)).to_have_text("Check your mail")
    assert len(sent) == 1


def test_whoever_goes_back_can_send_again(shown: Gallery) -> None:
    shown.ask("back@example.org")
    shown.page.go_back()
    expect(shown.page.get_by_role("button", name="Send me the link")).to_be_enabled()
    shown.press("Send me the link")
    expect(shown.page.get_by_role("heading", level=1)).to_have_text("Check your mail")


def test_a_password_is_shown_on_demand_and_hidden_when_it_is_sent(shown: Gallery) -> None:
    shown.open(shown.links["open"])
    field = typed_password(shown.page).get_by_label("Password", exact=True)
    expect(field).to_have_attribute("type", "password")

    shown.press("Show password")
    expect(field).to_have_attribute("type", "text")
    shown.press("Hide password")
    expect(field).to_have_attribute("type", "password")

    shown.press("Show password")
    shown.page.evaluate(
        "document.querySelector('main form').addEventListener('submit', (e) => e.preventDefault())"
    )
    shown.press("Apply")
    expect(field).to_have_attribute("type", "password")


def test_rules_are_ticked_off_while_a_password_is_typed(shown: Gallery) -> None:
    shown.open(shown.links["open"])
    rules = shown.page.locator("#password-hint li")
    expect(rules).to_have_count(4)
    typed_password(shown.page)

    done = shown.page.locator("#password-hint .done")
    expect(done).to_have_text(["a lower-case letter, done", "an upper-case letter, done"])
    shown.page.keyboard.type("1843")
    expect(done).to_have_count(4)
    told = ["at least 8 characters", "a lower-case letter", "an upper-case letter", "a digit"]
    expect(shown.page.get_by_label("Password", exact=True)).to_have_accessible_description(
        re.compile("^It needs: " + " ".join(f"{rule} ?, done" for rule in told) + " And it")
    )


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("short", "Weak"),
        ("Password1", "Weak"),
        ("Abcdefgh12345678", "Weak"),
        ("Lovelace1815", "Weak"),
        ("Analytical1", "Good"),
        ("Engines of 1843", "Strong"),
    ],
)
def test_the_strength_of_a_password_has_a_word(shown: Gallery, given: str, word: str) -> None:
    shown.open(shown.links["open"])
    expect(shown.page.locator(".strength")).to_be_hidden()
    shown.page.get_by_label("Password", exact=True).press_sequentially(given)
    expect(shown.page.locator(".strength [role=status]")).to_have_text(
        f"Strength: {word}", use_inner_text=True
    )


def test_a_slip_in_an_address_is_pointed_out_and_corrected_with_a_click(shown: Gallery) -> None:
    shown.open("/signup")
    field = shown.page.get_by_label("E-mail address")
    field.press_sequentially("ada@gmial.com")
    suggestion = shown.page.get_by_role("button", name="ada@gmail.com")
    suggestion.click()

    expect(field).to_have_value("ada@gmail.com")
    expect(field).to_be_focused()
    expect(suggestion).to_be_hidden()


def test_a_slip_is_never_forced_on_anybody(shown: Gallery) -> None:
    shown.ask("ada@gmial.com")
    expect(shown.page.get_by_role("heading", level=1)).to_have_text("Check your mail")
    shown.service.deliver()
    assert shown.service.mail.messages[-1]["To"] == "ada@gmial.com"


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
        ("ada@gmail.com", None),
        ("ada@email.com", None),
        ("ada@gmx.at", None),
        ("ada@yahoo.ie", None),
        ("ada@me.co", None),
        ("ada@example.org", None),
        ("ada", None),
        ("", None),
    ],
)
def test_page_and_server_know_the_same_slips(shown: Gallery, typed: str, meant: str | None) -> None:
    shown.open("/signup")
    shown.page.get_by_label("E-mail address").fill(typed)
    shown.page.get_by_label("E-mail address").press("Tab")

    suggested = shown.page.locator(".suggestion button")
    assert (suggested.text_content() or None) == meant
    assert typos.suggestion(typed) == meant


def test_without_scripts_a_slip_is_pointed_out_once_the_letter_is_on_its_way(
    service: Service,
) -> None:
    visitor = service.visitor()
    assert visitor.ask("ada@gmial.com").status_code == 303
    page = visitor.get("/signup/sent").text
    assert (
        "You wrote <strong>ada@gmial.com</strong>. Did you mean <strong>ada@gmail.com</strong>?"
        in page
    )
    assert 'value="ada@gmial.com"' in visitor.get("/signup?correct=1").text
    assert [letter["To"] for letter in service.deliver()] == ["ada@gmial.com"]


def test_a_slip_is_pointed_out_whoever_the_address_belongs_to(service: Service) -> None:
    service.visitor().apply("known@gmial.com")
    service.strapi.add_admin("admin@gmial.com", "Super1secret", "strapi-editor")
    for name in ("known", "admin", "new"):
        visitor = service.visitor()
        visitor.ask(f"{name}@gmial.com")
        assert f"Did you mean <strong>{name}@gmail.com" in visitor.get("/signup/sent").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_form_page_is_smaller_than_20_kb(service: Service, language: str) -> None:
    service.language = language
    visitor = service.visitor()
    page = visitor.get("/signup")
    parts = [page.data]
    for path in linked(page.text):
        with visitor.get(path) as part:
            parts.append(part.data)
    assert len(parts) == 4
    assert sum(map(len, parts)) < 20_000


def test_a_password_field_is_written_for_password_managers_and_phones(service: Service) -> None:
    service.visitor().ask()
    service.deliver()
    visitor = service.visitor()
    page = visitor.get(visitor.link()).text
    assert f'<input type="email" name="username" value="{ADA}" autocomplete="username"' in page
    assert 'autocomplete="new-password"' in page
    form = visitor.get("/signup").text
    for attribute in ("given-name", "family-name", "email"):
        assert f'autocomplete="{attribute}"' in form
    assert 'inputmode="email"' in form


def linked(page: str) -> list[str]:
    """What a browser fetches for a page."""
    found = re.findall(r'<(?:link|script)[^>]+(?:href|src)="([^"]+)"', page)
    return [path for path in found if path.startswith("/")]
