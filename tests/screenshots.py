"""Pictures of every page in every state: `make screenshots` takes them with a real browser."""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.gallery import SCENES, gallery
from tests.stage import CHROMIUM, FLAGS

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
# Width and height of the window.
DEVICES = {"phone": (390, 780), "desktop": (1000, 700)}


def main(wanted: list[str]) -> None:
    """Picture the scenes whose names begin with one of those wanted, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with gallery(chromium.new_page()) as shown:
            shown.log_in()
            for name, show in SCENES.items():
                show(shown)
                if not wanted or name.startswith(tuple(wanted)):
                    take(shown.page, name)
        chromium.close()


def take(page: Page, name: str) -> None:
    """Picture a whole page as it is, on each device, by day and by night."""
    for device, (width, height) in DEVICES.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.screenshot(path=FOLDER / f"{name}-{device}-{theme}.png", full_page=True)


if __name__ == "__main__":
    main(sys.argv[1:])
