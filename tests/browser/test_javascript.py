"""What scripts add to the pages."""

import re

from playwright.sync_api import Locator, Request, expect

from tests.support.page_states import PageStates


def password_field(states: PageStates) -> Locator:
    """Type into the password field of an open link."""
    states.open(states.service.visitor().ask_and_get_link())
    field = states.page.get_by_label("Password", exact=True)
    field.press_sequentially("Engines")
    return field


def test_a_double_click_sends_a_form_once(states: PageStates) -> None:
    sent: list[Request] = []
    states.page.on("request", lambda each: sent.append(each) if each.method == "POST" else None)
    states.open("/signup")
    states.fill("First name", "Ada")
    states.fill("E-mail address", "double@example.org")

    states.page.get_by_role("button", name="Send me the link").dblclick()

    expect(states.page.get_by_role("heading", level=1)).to_have_text("Check your mail")
    assert len(sent) == 1


def test_a_visitor_who_goes_back_can_send_again(states: PageStates) -> None:
    states.ask("back@example.org")
    states.page.go_back()
    expect(states.page.get_by_role("button", name="Send me the link")).to_be_enabled()
    states.press("Send me the link")
    expect(states.page.get_by_role("heading", level=1)).to_have_text("Check your mail")


def test_a_password_is_shown_on_demand_and_hidden_when_it_is_sent(states: PageStates) -> None:
    field = password_field(states)
    for button, kind in (("Show", "text"), ("Hide", "password"), ("Show", "text")):
        states.press(f"{button} password")
        expect(field).to_have_attribute("type", kind)
    states.page.evaluate(
        "document.querySelector('main form').addEventListener('submit', (e) => e.preventDefault())"
    )
    states.press("Apply")
    expect(field).to_have_attribute("type", "password")


def test_rules_are_ticked_off_while_a_password_is_typed(states: PageStates) -> None:
    field = password_field(states)
    done = states.page.locator("#password-hint .done")
    expect(done).to_have_text(["a lower-case letter, done", "an upper-case letter, done"])
    states.page.keyboard.type("1843")
    expect(done).to_have_count(4)
    rules = ["at least 8 characters", "a lower-case letter", "an upper-case letter", "a digit"]
    description = "^It needs: " + " ".join(f"{rule} ?, done" for rule in rules) + " And it"
    expect(field).to_have_accessible_description(re.compile(description))
