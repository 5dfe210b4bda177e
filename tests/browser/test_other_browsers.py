"""Firefox and WebKit go the whole way in the sandbox, and show each page as Chromium does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.test_whole_way import new_email
from tests.support.other_browsers import WAIT, driving, missing
from tests.support.service import ADA_PASSWORD

# The differences to what the style sheet and the scripts are to do on every page.
FAULTS = """
const faults = [];
const shown = (element) => element.checkVisibility();
const style = (element) => getComputedStyle(element);
if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the window");
for (const button of document.querySelectorAll("button")) {
  if (!shown(button)) continue;
  const box = button.getBoundingClientRect();
  if (box.height < 24 || box.width < 24) faults.push(`small: ${button.textContent}`);
}
for (const field of document.querySelectorAll("input:not([type=checkbox]), textarea")) {
  if (shown(field) && style(field).borderTopWidth === "0px") faults.push(`borders: ${field.name}`);
}
const font = style(document.body).fontFamily;
if (!font.includes("system-ui")) faults.push(`font: ${font}`);
return faults;
"""


# Selenium's own driver for WebKit does what Selenium warns of.
pytestmark = pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning")


@pytest.fixture(params=["firefox", "webkit"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[webdriver.Remote]:
    if reason := missing(request.param):
        pytest.skip(reason)
    with driving(request.param, tmp_path) as driver:
        yield driver


def look(driver: webdriver.Remote) -> None:
    """Look at the page that was loaded."""
    assert driver.execute_script(FAULTS) == [], driver.current_url


def fill(driver: webdriver.Remote, **fields: str) -> None:
    for name, value in fields.items():
        driver.find_element(By.NAME, name).send_keys(value)


def press(driver: webdriver.Remote, selector: str) -> None:
    """Press a button or follow a link, wait for the next page, and look at it."""
    element = driver.find_element(By.CSS_SELECTOR, selector)
    driver.execute_script("window.former = true; arguments[0].scrollIntoView()", element)
    element.click()
    loaded = "return !window.former && document.readyState === 'complete'"
    WebDriverWait(driver, WAIT).until(lambda _: driver.execute_script(loaded))
    look(driver)


def open_email(driver: webdriver.Remote, sandbox: str, link: str) -> None:
    """Follow the first link of this kind in the sandbox's mailbox, as soon as it has one."""
    found = f"article a[href*='{link}']"

    def look_again(_: object) -> bool:
        driver.get(f"{sandbox}/sandbox/mailbox")
        return bool(driver.execute_script("return document.querySelector(arguments[0])", found))

    WebDriverWait(driver, WAIT).until(look_again)
    look(driver)
    press(driver, found)


def test_the_whole_way(driver: webdriver.Remote, sandbox: str) -> None:
    email = new_email("ada")
    driver.get(f"{sandbox}/signup")
    look(driver)
    fill(driver, firstname="Ada", lastname="Lovelace", email=email)
    press(driver, "main form button:not([type=button])")
    assert driver.current_url.endswith("/signup/sent")

    open_email(driver, sandbox, "/confirm/")
    fill(driver, password=ADA_PASSWORD[0])
    done = driver.find_elements(By.CSS_SELECTOR, ".rules .done")
    assert len(done) == 1, "typing ticks no rule off"
    fill(driver, password=ADA_PASSWORD[1:])
    driver.find_element(By.CSS_SELECTOR, "button.reveal").click()
    assert driver.find_element(By.NAME, "password").get_attribute("type") == "text"
    press(driver, "main form button:not([type=button])")
    assert driver.execute_script("return document.querySelector('[type=password]')") is None

    driver.get(f"{sandbox}/review")
    password = driver.find_elements(By.CSS_SELECTOR, ".sandbox code")[1].text
    fill(driver, email="super.admin@example.com", password=password)
    press(driver, "main form button:not([type=button])")
    assert email in driver.find_element(By.TAG_NAME, "main").text
    press(driver, "form[action$='/activate'] button, button[formaction$='/activate']")
    open_email(driver, sandbox, "/sandbox/strapi")
    [row] = [row for row in driver.find_elements(By.TAG_NAME, "tr") if email in row.text]
    assert "active" in row.text
