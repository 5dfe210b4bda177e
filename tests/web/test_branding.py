"""The brand: the site's own name, logo and accent, and colours that can be read."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from signup import branding, settings
from tests.support.page_states import gallery
from tests.support.paths import ROOT
from tests.support.service import ADA, Service, html

STYLE = ROOT / "static" / "style.css"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63606060f80f0001040100bd1d3c5c0000000049454e44ae426082"
)
SVG = b'<?xml version="1.0"?><!-- ours --><svg xmlns="http://www.w3.org/2000/svg"/>'
GREEN = "#00695c"
# Colours of text. Buttons and icons are larger, but must have the same contrast.
INKS = ("ink", "soft", "accent", "danger", "notice", "good")


def complaints(service: Service) -> str:
    return "\n".join(settings.faults(service.app.config))


def tokens(theme: str) -> dict[str, str]:
    """The colours of the stylesheet, in light or in dark."""
    light, dark = STYLE.read_text().split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    return (
        found
        if theme == "light"
        else found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark))
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_colour_is_readable_on_every_background(theme: str) -> None:
    colors = tokens(theme)
    for background in ("card", "background"):
        for ink in INKS:
            assert branding.contrast(colors[ink], colors[background]) >= 4.5, (ink, background)
        # The edge of a field.
        assert branding.contrast(colors["line"], colors[background]) >= 3
    for name in ("danger", "notice"):
        assert branding.contrast(colors["ink"], colors[f"{name}-background"]) >= 4.5
        assert branding.contrast(colors[name], colors[f"{name}-background"]) >= 4.5
    assert branding.contrast(colors["good"], colors["good-background"]) >= 4.5


def test_accents_are_measured_against_the_backgrounds_of_the_stylesheet() -> None:
    light, dark = tokens("light"), tokens("dark")
    assert (light["card"], light["background"]) == branding.LIGHT
    assert (dark["card"], dark["background"]) == branding.DARK
    assert (light["accent"], dark["accent"]) == (branding.ACCENT, branding.DARK_ACCENT)


@pytest.mark.parametrize(
    "color", ["#000000", "#00695c", "#8b0000", "#0000ff", "#6b5b00", "#767600"]
)
def test_an_accent_has_a_lighter_shade_that_can_be_read_in_the_dark(color: str) -> None:
    assert all(branding.contrast(branding.lighter(color), each) >= 6 for each in branding.DARK)


@pytest.mark.parametrize(
    ("accent", "complaint"),
    [
        ("#ffdd00", "#ffdd00 on #f6f6f9 has a contrast of 1.2:1, and links and buttons need 4.5:1"),
        ("#8884ff", "take a darker shade"),
        ("rebeccapurple", "SIGNUP_ACCENT_COLOR must be a colour like #3b37c8, not 'rebeccapurple'"),
        ("#fff; } body {", "SIGNUP_ACCENT_COLOR must be a colour like"),
    ],
)
def test_an_accent_that_cannot_be_read_is_refused_with_what_was_measured(
    start: Callable[..., Service], accent: str, complaint: str
) -> None:
    service = start(ACCENT_COLOR=accent)
    assert complaint in complaints(service)
    assert "accent.css" not in service.visitor().get("/signup").text


def test_an_accent_reaches_pages_and_letters(start: Callable[..., Service]) -> None:
    service = start(ACCENT_COLOR=GREEN)
    assert complaints(service) == ""
    page = service.visitor().get("/signup").text
    [sheet] = re.findall(r'href="(/accent\.css[^"]*)"', page)

    answer = service.visitor().get(sheet)

    assert answer.mimetype == "text/css"
    assert GREEN in answer.text
    assert branding.lighter(GREEN) in answer.text
    assert "max-age" in answer.headers["Cache-Control"]
    assert page.index("style.css") < page.index("accent.css")
    service.visitor().ask()
    [letter] = service.deliver()
    assert letter["To"] == ADA
    assert f"background: {GREEN}" in html(letter)
    assert branding.lighter(GREEN) in html(letter)


@pytest.mark.parametrize(("content", "kind"), [(PNG, "image/png"), (SVG, "image/svg+xml")])
def test_a_logo_is_served_as_it_was_at_the_start_and_runs_nothing(
    start: Callable[..., Service], tmp_path: Path, content: bytes, kind: str
) -> None:
    file = tmp_path / "logo"
    file.write_bytes(content)
    service = start(SITE_LOGO=str(file))
    file.unlink()
    assert complaints(service) == ""
    [picture] = re.findall(r'<img src="([^"]+)" alt="">', service.visitor().get("/signup").text)

    answer = service.visitor().get(picture)

    assert answer.data == content
    assert answer.mimetype == kind
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Content-Security-Policy"].endswith("sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"GIF89a", "is neither"),
        (b"<html><svg></svg></html>", "is neither"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><svg/>', "is neither"),
        (SVG + b" " * 102400, "is larger than 100 kB"),
    ],
)
def test_what_is_no_logo_is_refused(
    start: Callable[..., Service], tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "logo.svg").write_bytes(content)
    service = start(SITE_LOGO=str(tmp_path / "logo.svg"))

    assert "SIGNUP_SITE_LOGO must be the path of an SVG or PNG image" in complaints(service)
    assert complaint in complaints(service)
    assert service.visitor().get("/logo").status_code == 404


def test_without_a_brand_pages_have_the_sites_name_and_its_initial(service: Service) -> None:
    page = service.visitor().get("/signup").text
    assert '<span class="initial" aria-hidden="true">C</span>' in page
    assert "accent.css" not in page
    assert service.visitor().get("/accent.css").status_code == 200


def test_a_browser_shows_the_brand_by_day_and_by_night(browser: Browser, tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><script>'
        'document.documentElement.setAttribute("ran", "yes")</script></svg>'
    )
    page = browser.new_context(reduced_motion="reduce").new_page()
    with gallery(page, SITE_LOGO=str(logo), ACCENT_COLOR=GREEN) as shown:
        shown.open("/signup")
        assert page.locator(".brand img").evaluate("image => image.naturalWidth") == 80
        for theme, color in (("light", GREEN), ("dark", branding.lighter(GREEN))):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            paint = "button => getComputedStyle(button).backgroundColor"
            red, green, blue = bytes.fromhex(color[1:])
            assert page.get_by_role("button", name="Send me").evaluate(paint) == (
                f"rgb({red}, {green}, {blue})"
            )
        shown.open("/logo")
        assert page.evaluate("document.documentElement.getAttribute('ran')") is None
    page.context.close()
