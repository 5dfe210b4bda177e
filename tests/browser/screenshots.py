"""Pictures of every page in every state: `make screenshots`."""

import base64
import logging
import shutil
from argparse import ArgumentParser
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.support.browser import CHROMIUM, FLAGS
from tests.support.page_states import STATES, page_states
from tests.support.paths import ROOT
from tests.support.service import LANGUAGES

DOCS = ROOT / "docs"
FOLDER = DOCS / "screenshots"
# Width and height of the window.
DEVICES = {"phone": (390, 780), "desktop": (1000, 700)}
# The pictures in docs: the way of an author side by side, and the review pages.
WAY = ("form", "email-confirm", "link-typing", "review-queue")
REVIEW = {
    "review-queue": "desk-queue",
    "review-preview": "desk-signup",
    "review-decision": "desk-decision",
}
STRIP = """<!doctype html><style>
  body { display: flex; gap: 20px; margin: 0; padding: 20px; background: #dcdce4; }
  img { inline-size: 390px; block-size: 780px; object-fit: cover; object-position: top;
    border-radius: 12px; }
</style>"""


def main(wanted: list[str], language: str = "en") -> None:
    """Picture the states whose names begin with one of those wanted, or all."""
    folder = FOLDER if language == "en" else FOLDER / language
    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("werkzeug").setLevel("WARNING")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with page_states(chromium.new_page(), language) as states:
            for name, show in STATES.items():
                show(states)
                if not wanted or name.startswith(tuple(wanted)):
                    take(states.page, folder / name)
        if not wanted and language == "en":
            copy_to_docs(chromium.new_page(viewport={"width": 1660, "height": 820}))
        chromium.close()


def take(page: Page, picture: Path) -> None:
    """Picture the whole page on each device, in light and dark mode."""
    for device, (width, height) in DEVICES.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.screenshot(path=f"{picture}-{device}-{theme}.png", full_page=True)


def copy_to_docs(page: Page) -> None:
    pictures = [(FOLDER / f"{name}-phone-light.png").read_bytes() for name in WAY]
    sources = [f"data:image/png;base64,{base64.b64encode(each).decode()}" for each in pictures]
    page.set_content(STRIP + "".join(f'<img src="{source}" alt="">' for source in sources))
    page.screenshot(path=DOCS / "way.png")
    for name, copy in REVIEW.items():
        shutil.copy(FOLDER / f"{name}-desktop-light.png", DOCS / f"{copy}.png")


if __name__ == "__main__":
    options = ArgumentParser()
    options.add_argument("states", nargs="*")
    options.add_argument("--language", default="en", choices=LANGUAGES)
    given = options.parse_args()
    main(given.states, given.language)
