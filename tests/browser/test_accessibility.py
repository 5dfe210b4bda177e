"""Every page in every state: WCAG 2.2 AA, small windows, large text, keyboards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from signup import i18n
from tests.support.page_states import STATES, PageStates, page_states
from tests.support.service import LANGUAGES
from tests.support.strapi_file import SUE, SUE_PASSWORD

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES: list[Literal["light", "dark"]] = ["light", "dark"]
OPTIONS = {"runOnly": RULES, "resultTypes": ["violations"]}
ERRORS = (
    "form-errors",
    "form-stale",
    "link-errors",
    "link-busy",
    "login-errors",
    "review-signup-errors",
    # The form, with a message that this network has asked for too many emails.
    "error-429",
)

# Everything that can be reached by keyboard and is smaller than 24 pixels.
TARGETS = """() => [...document.querySelectorAll('a, button, input, select, textarea, summary')]
  .filter((each) => each.checkVisibility() && each.type !== 'hidden')
  .filter((each) => !(each.tagName === 'A' && getComputedStyle(each).display === 'inline'))
  .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24).map(([html]) => html)"""
SPILLS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
MOVES = """() => [...document.querySelectorAll('*')].map((each) => getComputedStyle(each))
  .filter((style) => parseFloat(style.transitionDuration) || style.animationName !== 'none')
  .length"""
OUTLINE = """() => {
  const style = getComputedStyle(document.activeElement);
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  // Past the last target, the browser itself has the focus. Emails leave it to mail programs.
  return seen || document.activeElement === document.body || style.outlineStyle === 'auto';
}"""
REACHABLE = """() => [...document.querySelectorAll('a, button, input, select, textarea, summary')]
  .filter((each) => each.checkVisibility() && each.type !== 'hidden').length"""


@dataclass
class Visit:
    """What was found on one page in one state."""

    title: str
    language: str
    axe: list[str] = field(default_factory=list)
    small: list[str] = field(default_factory=list)
    spills: dict[str, int] = field(default_factory=dict)
    moving: int = 0
    unseen: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Words are longer and break differently in each language."""
    return str(request.param)


@pytest.fixture(scope="module")
def visits(page: Page, language: str, request: pytest.FixtureRequest) -> dict[str, Visit]:
    """Every page and email, and the sandbox's pages, visited once in each language."""
    found = {}
    with page_states(page, language) as states:
        states.log_in()
        for name, show in STATES.items():
            show(states)
            found[name] = look(page, language)
    url = request.getfixturevalue("sandbox")
    for path in ("mailbox", "strapi"):
        page.goto(f"{url}/sandbox/{path}")
        found[path] = look(page, language)
    return found


def look(page: Page, language: str) -> Visit:
    visit = Visit(page.title(), page.evaluate("document.documentElement.lang"))
    visit.small = page.evaluate(TARGETS)
    visit.spills = {"at 320 px": spill(page, 320)}
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    visit.spills["at 200 %"] = spill(page, 640)
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.set_viewport_size({"width": 1000, "height": 700})
    # Colours, roles and movements are the same in each language, so one is enough.
    if language == "en":
        visit.axe = [f"{theme}: {each}" for theme in THEMES for each in findings(page, theme)]
        visit.moving = page.evaluate(MOVES)
        visit.unseen = unseen_focus(page)
    return visit


def findings(page: Page, theme: Literal["light", "dark"] = "light") -> list[str]:
    page.emulate_media(color_scheme=theme)
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{each['id']} {each['nodes'][0]['html'][:120]}" for each in found]


def spill(page: Page, width: int) -> int:
    page.set_viewport_size({"width": width, "height": 700})
    return int(page.evaluate(SPILLS))


def unseen_focus(page: Page) -> list[str]:
    """The elements that have the focus after Tab and do not show it."""
    found = []
    for _ in range(min(page.evaluate(REACHABLE), 12)):
        page.keyboard.press("Tab")
        if not page.evaluate(OUTLINE):
            found.append(page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
    return found


def having(visits: dict[str, Visit], what: Callable[[Visit], Any]) -> dict[str, Any]:
    return {name: what(visit) for name, visit in visits.items() if what(visit)}


def test_axe_finds_nothing_on_any_page_in_light_or_dark_mode(
    visits: dict[str, Visit], language: str
) -> None:
    assert having(visits, lambda visit: visit.axe) == {}
    assert {visit.language for visit in visits.values()} == {language, "en"}
    assert len(visits) > 50


def test_axe_finds_the_faults_of_a_bad_page(page: Page) -> None:
    page.goto("about:blank")
    page.set_content("<title>A page</title><img src='/logo'><p style='color: #bbb'>Pale")
    found = " ".join(findings(page))
    assert "image-alt" in found
    assert "color-contrast" in found
    assert "html-has-lang" in found


def test_nothing_scrolls_sideways_at_320_px_or_with_text_twice_as_large(
    visits: dict[str, Visit],
) -> None:
    assert having(visits, lambda visit: any(visit.spills.values()) and visit.spills) == {}


def test_every_target_is_large_enough_to_hit(visits: dict[str, Visit]) -> None:
    assert having(visits, lambda visit: visit.small) == {}


def test_the_focus_is_always_visible(visits: dict[str, Visit]) -> None:
    assert having(visits, lambda visit: visit.unseen) == {}


def test_nothing_moves_for_people_who_prefer_that(visits: dict[str, Visit]) -> None:
    assert having(visits, lambda visit: visit.moving) == {}


def test_titles_say_what_a_page_is_and_error_first(visits: dict[str, Visit], language: str) -> None:
    error = f"{i18n.catalogue(language).ugettext('Error:')} "
    for name, visit in visits.items():
        assert visit.title, name
        assert visit.title.startswith(error) == (name in ERRORS), name


def test_forced_colours_leave_buttons_and_fields_their_edges(states: PageStates) -> None:
    page = states.page
    page.emulate_media(forced_colors="active")
    states.open("/signup")
    for element in (page.get_by_role("button").last, page.get_by_label("First name")):
        edge = element.evaluate("each => getComputedStyle(each).borderTopColor")
        assert edge != element.evaluate("each => getComputedStyle(each).backgroundColor")
        element.focus()
        assert page.evaluate(OUTLINE)
    page.emulate_media(forced_colors="none")


def test_the_error_summary_has_the_focus_and_leads_to_the_field(states: PageStates) -> None:
    page = states.page
    states.open("/signup")
    states.press("Send me the link")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()

    tab_to(page, summary.get_by_role("link", name="Enter your first name."))
    page.keyboard.press("Enter")
    page.keyboard.type("Ada")

    field = page.get_by_label("First name")
    expect(field).to_have_value("Ada")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Enter your first name.")


def test_the_whole_way_by_keyboard_alone(states: PageStates) -> None:
    page, service = states.page, states.service
    service.visitor().apply()
    states.open("/signup")
    fill(page, "First name", "Mary")
    fill(page, "E-mail address", "mary@example.org")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")
    service.deliver()

    states.open(service.visitor().link(email="mary@example.org"))
    fill(page, "Password", "Engines of 1843")
    press(page, page.get_by_role("button", name="Show password"), "Space")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    fill(page, "Why would you like to write here? (optional)", "I write about geology.")
    press(page, page.get_by_role("button", name="Apply"))
    expect(page.get_by_role("heading", level=1)).to_have_text("We have your application")
    service.deliver()

    states.open("/review")
    fill(page, "E-mail address", SUE)
    fill(page, "Password", SUE_PASSWORD)
    page.keyboard.press("Enter")
    press(page, page.get_by_role("checkbox", name="Choose Mary"), "Space")
    press(page, page.get_by_role("button", name="Activate them"))
    expect(page.get_by_role("alert")).to_contain_text("Mary is active")
    expect(page.get_by_role("alert")).to_be_focused()
    assert service.strapi.admin("mary@example.org")["is_active"] == 1  # type: ignore[index]


def fill(page: Page, label: str, text: str) -> None:
    tab_to(page, page.get_by_label(label, exact=True))
    page.keyboard.type(text)


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    tab_to(page, target)
    page.keyboard.press(key)


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus."""
    for _ in range(60):
        if target.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached by keyboard")
