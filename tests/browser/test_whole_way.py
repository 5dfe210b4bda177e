"""A real browser goes the whole way in the sandbox."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import AUTOFOCUS
from tests.support.paths import ROOT
from tests.support.service import ADA_PASSWORD
from tests.support.strapi_file import SUE_PASSWORD, StrapiFile


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param)
    page = context.new_page()
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text))
    yield page
    context.close()
    # Chromium logs every answer such as 422.
    assert [line for line in logged if "status of 4" not in line and AUTOFOCUS not in line] == []


def new_email(name: str) -> str:
    return f"{name}{time.monotonic_ns()}@example.org"


def fill(page: Page, **fields: str) -> None:
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def find_email(page: Page, recipient: str, subject: str) -> Locator:
    """An email in the sandbox's mailbox. Wait up to 60 s for it."""
    page.get_by_role("link", name="Mailbox").click()
    email = page.get_by_role("article").filter(has_text=recipient).filter(has_text=subject).first
    for _ in range(600):
        if email.count():
            break
        page.wait_for_timeout(100)
        page.get_by_role("link", name="Look again").click()
    return email


def apply(page: Page, sandbox: str, name: str, email: str) -> None:
    page.goto(f"{sandbox}/signup")
    fill(page, First_name=name)
    page.get_by_label("E-mail address").fill(email)
    press(page, "Send me the link")
    find_email(page, email, "Confirm your address").get_by_role("link", name="/confirm/").click()
    fill(page, Password=ADA_PASSWORD)
    press(page, "Apply")
    expect(heading(page)).to_have_text("We have your application")


def test_the_whole_way_with_and_without_javascript(sandbox: str, page: Page) -> None:
    email = new_email("ada")
    page.goto(sandbox)
    expect(page.locator("[name=subject]")).to_be_hidden()
    press(page, "Send me the link")
    expect(page.get_by_role("alert")).to_contain_text("Enter your first name.")
    apply(page, sandbox, "Ada", email)

    password = page.locator(".sandbox code").nth(1).inner_text()
    page.get_by_role("link", name="Review pages").click()
    page.get_by_label("E-mail address").fill("super.admin@example.com")
    fill(page, Password=password)
    press(page, "Log in")
    page.get_by_role("article").filter(has_text=email).get_by_role(
        "button", name="Activate"
    ).click()
    expect(page.get_by_text("Nobody here.")).to_be_visible()

    welcome = find_email(page, email, "You can write for")
    expect(welcome).to_contain_text("your application was accepted")
    welcome.get_by_role("link", name="/sandbox/strapi").first.click()
    expect(page.get_by_role("row").filter(has_text=email)).to_contain_text("active")
    page.get_by_role("link", name="Review pages").click()
    press(page, "Log out")
    expect(heading(page)).to_have_text("Review applications")


def test_an_author_withdraws_an_application(sandbox: str, page: Page) -> None:
    apply(page, sandbox, "Grace", new_email("grace"))

    page.get_by_text("Changed your mind?").click()
    press(page, "Withdraw my application")

    expect(heading(page)).to_have_text("You withdrew your application")


def test_two_reviewers_decide_at_once_and_the_second_sees_who_was_first(
    sandbox: str, browser: Browser
) -> None:
    strapi = StrapiFile(ROOT / "instance" / f"sandbox-{sandbox.rpartition(':')[2]}" / "strapi.db")
    contexts = [browser.new_context() for _ in range(3)]
    author, *reviewers = [context.new_page() for context in contexts]
    apply(author, sandbox, "Jean", email := new_email("jean"))
    for name, page in zip(("sue", "tom"), reviewers, strict=True):
        strapi.add_admin(f"{name}@example.com", SUE_PASSWORD, "strapi-super-admin")
        page.goto(f"{sandbox}/review")
        page.get_by_label("E-mail address").fill(f"{name}@example.com")
        fill(page, Password=SUE_PASSWORD)
        press(page, "Log in")
        card = page.get_by_role("article").filter(has_text=email)
        card.get_by_role("link", name="Jean").first.click()
        expect(page.get_by_role("button", name="Activate")).to_be_visible()

    for page, verb in zip(reviewers, ("Activate", "Decline"), strict=True):
        page.get_by_role("button", name=verb).click(no_wait_after=True)

    for page in reviewers:
        expect(page.get_by_role("alert")).to_contain_text("Decided by")
    alerts = [page.get_by_role("alert").inner_text() for page in reviewers]
    [first] = [alert for alert in alerts if "Somebody else was quicker" not in alert]
    winner = "sue" if first is alerts[0] else "tom"
    assert all(f"Decided by {winner}@example.com" in alert for alert in alerts)
    assert strapi.is_active(email) == (winner == "sue")
    for context in contexts:
        context.close()
