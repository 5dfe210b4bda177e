"""Lighthouse's figures for the form, the link's page and the desk: `make lighthouse`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.support.browser import CHROMIUM, FLAGS
from tests.support.page_states import Gallery, gallery

# The newest whose Node is the one that Strapi asks for.
LIGHTHOUSE = "lighthouse@12"
CATEGORIES = ("accessibility", "best-practices", "performance")
AIM = 100


def main() -> int:
    """Measure each page, print the figures, and fail where one is below the aim."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with gallery(chromium.new_page()) as shown:
            shown.log_in()
            paths = {"form": "/signup", "link": shown.links["open"], "desk": "/review"}
            figures = {name: measured(shown, path) for name, path in paths.items()}
        chromium.close()
    for name, scores in figures.items():
        print(f"{name:6}", *(f"{category} {scores[category]}" for category in CATEGORIES), sep="  ")
    return int(any(score < AIM for scores in figures.values() for score in scores.values()))


def measured(shown: Gallery, path: str) -> dict[str, int]:
    cookies = "; ".join(f"{each['name']}={each['value']}" for each in shown.page.context.cookies())
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = ["npx", "--yes", LIGHTHOUSE, shown.service.public + path, "--quiet"]
        command += [f"--only-categories={','.join(CATEGORIES)}", "--output=json"]
        command += [f"--output-path={report}", f"--extra-headers={json.dumps({'Cookie': cookies})}"]
        command += [f"--chrome-flags=--headless {' '.join(FLAGS)}"]
        subprocess.run(command, check=True, env={**os.environ, "CHROME_PATH": str(CHROMIUM)})
        found = json.loads(report.read_text())
    for audit in found["audits"].values():
        if (
            audit["score"] is not None
            and audit["score"] < 1
            and audit["scoreDisplayMode"] != "manual"
        ):
            print(f"{path[:20]:20}  {audit['id']}: {audit.get('displayValue', audit['title'])}")
    return {name: round(found["categories"][name]["score"] * 100) for name in CATEGORIES}


if __name__ == "__main__":
    sys.exit(main())
