"""The site's own name, logo and accent colour, and the contrast of every colour."""

import re
from pathlib import Path

import pytest

from signup import branding, settings
from tests.support.paths import ROOT
from tests.support.service import Service, Start
from tests.support.smtp_server import html

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63606060f80f0001040100bd1d3c5c0000000049454e44ae426082"
)
SVG = b'<?xml version="1.0"?><!-- ours --><svg xmlns="http://www.w3.org/2000/svg"/>'
GREEN = "#00695c"
TEXT_COLORS = ("ink", "soft", "accent", "danger", "notice", "good")


def faults(service: Service) -> str:
    return "\n".join(settings.faults(service.app))


def tokens(theme: str) -> dict[str, str]:
    """The colours of the stylesheet, in light or dark mode."""
    style = (ROOT / "static" / "style.css").read_text()
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    color = r"--([\w-]+): (#[0-9a-f]{6});"
    found = dict(re.findall(color, light))
    return found if theme == "light" else found | dict(re.findall(color, dark))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_colour_has_enough_contrast_on_every_background(theme: str) -> None:
    colors = tokens(theme)
    for background in ("card", "background"):
        for name in TEXT_COLORS:
            ratio = branding.contrast(colors[name], colors[background])
            assert ratio >= 4.5, (name, background)
        # The edge of a field.
        assert branding.contrast(colors["line"], colors[background]) >= 3
    for name in ("danger", "notice", "good"):
        assert branding.contrast(colors[name], colors[f"{name}-background"]) >= 4.5
    for name in ("danger", "notice"):
        assert branding.contrast(colors["ink"], colors[f"{name}-background"]) >= 4.5


def test_accents_are_measured_against_the_stylesheets_backgrounds() -> None:
    light, dark = tokens("light"), tokens("dark")
    assert (light["card"], light["background"]) == branding.LIGHT
    assert (dark["card"], dark["background"]) == branding.DARK
    assert (light["accent"], dark["accent"]) == (branding.ACCENT, branding.DARK_ACCENT)


@pytest.mark.parametrize("color", ["#000000", GREEN, "#8b0000", "#0000ff", "#6b5b00", "#767600"])
def test_an_accent_has_a_lighter_shade_with_enough_contrast_in_the_dark(color: str) -> None:
    assert all(branding.contrast(branding.lighter(color), paper) >= 6 for paper in branding.DARK)


@pytest.mark.parametrize(
    ("accent", "fault"),
    [
        ("#ffdd00", "#ffdd00 on #f6f6f9 has a contrast of 1.2:1, and links and buttons need 4.5:1"),
        ("#8884ff", "take a darker shade"),
        ("rebeccapurple", "SIGNUP_ACCENT_COLOR must be a colour like #3b37c8, not 'rebeccapurple'"),
        ("#fff; } body {", "SIGNUP_ACCENT_COLOR must be a colour like"),
    ],
)
def test_an_accent_without_enough_contrast_is_refused_with_its_ratio(
    start: Start, accent: str, fault: str
) -> None:
    service = start(ACCENT_COLOR=accent)
    assert fault in faults(service)
    assert "accent.css" not in service.visitor().get("/signup").text


def test_an_accent_reaches_pages_and_emails(start: Start) -> None:
    service = start(ACCENT_COLOR=GREEN)
    assert faults(service) == ""
    page = service.visitor().get("/signup").text
    [sheet] = re.findall(r'href="(/accent\.css[^"]*)"', page)

    answer = service.visitor().get(sheet)

    assert answer.mimetype == "text/css"
    assert "max-age" in answer.headers["Cache-Control"]
    assert page.index("style.css") < page.index("accent.css")
    service.visitor().ask()
    [email] = service.deliver()
    for color in (GREEN, branding.lighter(GREEN)):
        assert color in answer.text
        assert color in html(email)


@pytest.mark.parametrize(("content", "kind"), [(PNG, "image/png"), (SVG, "image/svg+xml")])
def test_a_logo_is_served_as_it_was_at_the_start_and_runs_nothing(
    start: Start, tmp_path: Path, content: bytes, kind: str
) -> None:
    file = tmp_path / "logo"
    file.write_bytes(content)
    service = start(SITE_LOGO=str(file))
    file.unlink()
    assert faults(service) == ""
    [picture] = re.findall(r'<img src="([^"]+)" alt="">', service.visitor().get("/signup").text)

    answer = service.visitor().get(picture)

    assert (answer.data, answer.mimetype) == (content, kind)
    assert re.match(r"default-src 'none'.*sandbox$", answer.headers["Content-Security-Policy"])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"GIF89a", "is neither"),
        (b"<html><svg></svg></html>", "is neither"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><svg/>', "is neither"),
        (SVG + b" " * 102400, "is larger than 100 kB"),
    ],
)
def test_a_file_that_is_no_logo_is_refused(
    start: Start, tmp_path: Path, content: bytes | None, fault: str
) -> None:
    if content is not None:
        (tmp_path / "logo.svg").write_bytes(content)
    service = start(SITE_LOGO=str(tmp_path / "logo.svg"))

    assert "SIGNUP_SITE_LOGO must be the path of an SVG or PNG image" in faults(service)
    assert fault in faults(service)
    assert service.visitor().get("/logo").status_code == 404


def test_without_a_logo_pages_show_the_initial_of_the_sites_name(service: Service) -> None:
    page = service.visitor().get("/signup").text
    assert '<span class="initial" aria-hidden="true">C</span>' in page
    assert "accent.css" not in page
    assert service.visitor().get("/accent.css").status_code == 200
