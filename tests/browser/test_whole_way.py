"""A real browser goes the whole way in the sandbox, by what stands on the pages alone."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import AUTOFOCUS
from tests.support.network import free_port
from tests.support.paths import ROOT
from tests.support.strapi_file import SUE_PASSWORD, StrapiFile


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """The sandbox as `make run` starts it."""
    port = free_port()
    flask = str(Path(sys.executable).with_name("flask"))
    command = [flask, "--app", "app", "demo", "--port", str(port)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SIGNUP_")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    url = f"http://127.0.0.1:{port}"
    wait_for(f"{url}/healthz")
    yield url
    process.terminate()
    assert process.stdout
    said = process.stdout.read().decode()
    process.wait(30)
    process.stdout.close()
    shutil.rmtree(ROOT / "instance" / f"sandbox-{port}")
    assert "SANDBOX" in said
    assert "Traceback" not in said
    assert "/confirm/" not in said


def wait_for(url: str) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param)
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    yield page
    context.close()
    # Chromium reports answers that are meant to be errors, such as 422.
    assert [line for line in noise if "status of 4" not in line and AUTOFOCUS not in line] == []


def test_the_whole_way_by_clicking(sandbox: str, page: Page) -> None:
    email = f"ada{time.monotonic_ns()}@example.org"
    page.goto(sandbox)
    expect(page.locator("[name=subject]")).to_be_hidden()
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter your first name.")
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Last name").fill("Lovelace")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")

    open_link(page, email, "/confirm/")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert")).to_contain_text("The password still needs")
    page.get_by_label("Password", exact=True).fill("Analytical1engine")
    page.get_by_label("Why would you like to write here?").fill("I write about engines.")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We have your application")

    password = page.locator(".sandbox code").nth(1).inner_text()
    page.get_by_role("link", name="Review pages").click()
    page.get_by_label("E-mail address").fill("super.admin@example.com")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()
    card = page.get_by_role("article").filter(has_text=email)
    expect(card).to_contain_text("I write about engines.")
    card.get_by_role("button", name="Activate").click()
    expect(page.get_by_text("Nobody here.")).to_be_visible()

    letter = find_letter(page, email, "You can write for")
    expect(letter).to_contain_text("your application was accepted")
    letter.get_by_role("link", name="/sandbox/strapi").first.click()
    expect(page.get_by_role("row").filter(has_text=email)).to_contain_text("active")
    page.get_by_role("link", name="Review pages").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review applications")


def test_an_author_takes_the_application_back(sandbox: str, page: Page) -> None:
    email = f"grace{time.monotonic_ns()}@example.org"
    apply(page, sandbox, "Grace", email)

    page.get_by_text("Changed your mind?").click()
    page.get_by_role("button", name="Withdraw my application").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("You withdrew your application")


def test_two_reviewers_decide_at_once_and_the_second_sees_who_was_first(
    sandbox: str, browser: Browser
) -> None:
    strapi = StrapiFile(ROOT / "instance" / f"sandbox-{sandbox.rpartition(':')[2]}" / "strapi.db")
    reviewers = []
    author = browser.new_page()
    apply(author, sandbox, "Jean", email := f"jean{time.monotonic_ns()}@example.org")
    for name in ("sue", "tom"):
        strapi.add_admin(f"{name}@example.com", SUE_PASSWORD, "strapi-super-admin")
        reviewers.append(page := browser.new_context().new_page())
        page.goto(f"{sandbox}/review")
        page.get_by_label("E-mail address").fill(f"{name}@example.com")
        page.get_by_label("Password", exact=True).fill(SUE_PASSWORD)
        page.get_by_role("button", name="Log in").click()
        card = page.get_by_role("article").filter(has_text=email)
        card.get_by_role("link", name="Jean").first.click()
        expect(page.get_by_role("button", name="Activate")).to_be_visible()

    for page, verb in zip(reviewers, ("Activate", "Decline"), strict=True):
        page.get_by_role("button", name=verb).click(no_wait_after=True)

    for page in reviewers:
        expect(page.get_by_role("alert")).to_contain_text("Decided by")
    said = [page.get_by_role("alert").inner_text() for page in reviewers]
    first = [text for text in said if "Somebody else was quicker" not in text]
    assert len(first) == 1
    winner = "sue" if first[0] is said[0] else "tom"
    assert all(f"Decided by {winner}@example.com" in text for text in said)
    row = strapi.admin(email)
    assert row
    assert bool(row["is_active"]) == (winner == "sue")
    author.close()
    for page in reviewers:
        page.context.close()


def apply(page: Page, sandbox: str, name: str, email: str) -> None:
    page.goto(f"{sandbox}/signup")
    page.get_by_label("First name").fill(name)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Send me the link").click()
    open_link(page, email, "/confirm/")
    page.get_by_label("Password", exact=True).fill("Analytical1engine")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We have your application")


def open_link(page: Page, email: str, kind: str) -> None:
    letter = find_letter(page, email, "Confirm your address")
    letter.get_by_role("link", name=kind).click()


def find_letter(page: Page, email: str, subject: str) -> Locator:
    page.get_by_role("link", name="Mailbox").click()
    letter = page.get_by_role("article").filter(has_text=email).filter(has_text=subject).first
    for _ in range(200):
        if letter.count():
            break
        page.wait_for_timeout(100)
        page.get_by_role("link", name="Look again").click()
    return letter
