"""The site's logo and accent colour in a browser."""

from pathlib import Path

from playwright.sync_api import Browser

from signup import branding
from tests.support.page_states import empty_service

GREEN = "#00695c"


def test_a_browser_shows_logo_and_accent_in_light_and_dark_mode(
    browser: Browser, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><script>'
        'document.documentElement.setAttribute("ran", "yes")</script></svg>'
    )
    page = browser.new_context(reduced_motion="reduce").new_page()
    with empty_service(page, SITE_LOGO=str(logo), ACCENT_COLOR=GREEN) as states:
        states.open("/signup")
        assert page.locator(".brand img").evaluate("image => image.naturalWidth") == 80
        for theme, color in (("light", GREEN), ("dark", branding.lighter(GREEN))):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            paint = "button => getComputedStyle(button).backgroundColor"
            red, green, blue = bytes.fromhex(color[1:])
            found = page.get_by_role("button", name="Send me").evaluate(paint)
            assert found == f"rgb({red}, {green}, {blue})"
        # A script inside the logo does not run.
        states.open("/logo")
        assert page.evaluate("document.documentElement.getAttribute('ran')") is None
    page.context.close()
