"""Lighthouse's scores for the form, the link's page and the queue: `make lighthouse`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.support.browser import CHROMIUM, FLAGS
from tests.support.page_states import PageStates, page_states

# The newest version for the Node that Strapi requires.
LIGHTHOUSE = "lighthouse@12"
CATEGORIES = ("accessibility", "best-practices", "performance")


def main() -> int:
    """Measure each page, and fail where a score is below 100."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with page_states(chromium.new_page()) as states:
            states.log_in()
            paths = {"form": "/signup", "link": states.links["open"], "queue": "/review"}
            scores = {name: measure(states, path) for name, path in paths.items()}
        chromium.close()
    for name, found in scores.items():
        print(f"{name:6}", *(f"{category} {found[category]}" for category in CATEGORIES), sep="  ")
    return int(any(score < 100 for found in scores.values() for score in found.values()))


def measure(states: PageStates, path: str) -> dict[str, int]:
    cookies = "; ".join(f"{each['name']}={each['value']}" for each in states.page.context.cookies())
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = ["npx", "--yes", LIGHTHOUSE, states.service.public + path, "--quiet"]
        command += [f"--only-categories={','.join(CATEGORIES)}", "--output=json"]
        command += [f"--output-path={report}", f"--extra-headers={json.dumps({'Cookie': cookies})}"]
        command += [f"--chrome-flags=--headless {' '.join(FLAGS)}"]
        subprocess.run(command, check=True, env={**os.environ, "CHROME_PATH": str(CHROMIUM)})
        found = json.loads(report.read_text())
    for audit in found["audits"].values():
        low = audit["score"] is not None and audit["score"] < 1
        if low and audit["scoreDisplayMode"] != "manual":
            print(f"{path[:20]:20}  {audit['id']}: {audit.get('displayValue', audit['title'])}")
    return {name: round(found["categories"][name]["score"] * 100) for name in CATEGORIES}


if __name__ == "__main__":
    sys.exit(main())
