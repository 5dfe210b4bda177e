"""Pictures of every page in every state: `make screenshots` takes them with a real browser."""

import base64
import logging
import shutil
from argparse import ArgumentParser
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from signup.i18n import available_languages
from tests.support.browser import CHROMIUM, FLAGS
from tests.support.page_states import SCENES, gallery
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
FOLDER = DOCS / "screenshots"
# Width and height of the window.
DEVICES = {"phone": (390, 780), "desktop": (1000, 700)}
# What the README shows: the way, side by side, and the desk.
WAY = ("form", "letter-confirm", "link-typing", "desk-queue")
DESK = {"desk-queue": "desk-queue", "desk-letter": "desk-signup", "desk-decision": "desk-decision"}
STRIP = """<!doctype html><style>
  body { display: flex; gap: 20px; margin: 0; padding: 20px; background: #dcdce4; }
  img { inline-size: 390px; block-size: 780px; object-fit: cover; object-position: top;
    border-radius: 12px; }
</style>"""


def main(wanted: list[str], language: str = "en") -> None:
    """Picture the scenes whose names begin with one of those wanted, or all, in a language."""
    folder = FOLDER if language == "en" else FOLDER / language
    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("werkzeug").setLevel("WARNING")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with gallery(chromium.new_page(), language) as shown:
            for name, show in SCENES.items():
                show(shown)
                if not wanted or name.startswith(tuple(wanted)):
                    take(shown.page, folder / name)
        if not wanted and language == "en":
            keep(chromium.new_page(viewport={"width": 1660, "height": 820}))
        chromium.close()


def take(page: Page, picture: Path) -> None:
    """Picture a whole page as it is, on each device, by day and by night."""
    for device, (width, height) in DEVICES.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.screenshot(path=f"{picture}-{device}-{theme}.png", full_page=True)


def keep(page: Page) -> None:
    """Put what the README shows beside it."""
    pictures = [(FOLDER / f"{name}-phone-light.png").read_bytes() for name in WAY]
    sources = [f"data:image/png;base64,{base64.b64encode(each).decode()}" for each in pictures]
    page.set_content(STRIP + "".join(f'<img src="{source}" alt="">' for source in sources))
    page.screenshot(path=DOCS / "way.png")
    for name, kept in DESK.items():
        shutil.copy(FOLDER / f"{name}-desktop-light.png", DOCS / f"{kept}.png")


if __name__ == "__main__":
    options = ArgumentParser()
    options.add_argument("scenes", nargs="*")
    options.add_argument("--language", default="en", choices=available_languages())
    given = options.parse_args()
    main(given.scenes, given.language)
