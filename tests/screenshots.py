"""Pictures for the README: `python -m tests.screenshots` takes them with a real browser."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from time_machine import travel
from werkzeug.serving import make_server

from models.instant import now
from tests.stage import SUE, SUE_PASSWORD, MailServer, Service, StrapiFile, free_port
from tests.test_browser import CHROMIUM, FLAGS

DOCS = Path(__file__).parent.parent / "docs"
PEOPLE = [
    (
        "lin@xn--mller-kva.example",
        "Lin",
        "Müller",
        3,
        "I photograph trains, and write about who rides them.",
    ),
    ("tom@mailinator.com", "Tom", "", 2, ""),
    (
        "grace@navy.example",
        "Grace",
        "Hopper",
        1,
        "I write about compilers, and would like to show why.",
    ),
    ("jean@navy.example", "Jean", "Bartik", 0, "Programs on paper, machines in prose."),
]


def main() -> None:
    """Play two days at a desk, and take its pictures."""
    with desk() as service, browser() as page:
        page.goto(f"{service.public}/review")
        page.get_by_label("E-mail address").fill(SUE)
        page.get_by_label("Password").fill(SUE_PASSWORD)
        page.get_by_role("button", name="Log in").click()
        take(page, "desk-queue")
        page.get_by_role("link", name="Grace Hopper", exact=True).click()
        page.get_by_role("textbox", name="Reason").fill(
            "We have a columnist for compilers. Write to us next spring!"
        )
        page.get_by_role("button", name="Show me the letter").click()
        take(page, "desk-signup")
        page.get_by_role("link", name="Back to the list").click()
        for name in ("Lin Müller", "Jean Bartik"):
            page.get_by_label(f"Choose {name}").check()
        page.get_by_role("button", name="Activate them").click()
        take(page, "desk-decision")


def take(page: Page, name: str) -> None:
    """Picture a whole page."""
    page.screenshot(path=DOCS / f"{name}.png", full_page=True)


@contextmanager
def desk() -> Iterator[Service]:
    """The service on 127.0.0.1, with people who wait."""
    with tempfile.TemporaryDirectory() as folder:
        mail, port = MailServer(), free_port()
        mail.start()
        strapi = StrapiFile.made_by("5.54.0", Path(folder) / "strapi.db")
        public = {"PUBLIC_URL": f"http://127.0.0.1:{port}", "SITE_NAME": "The Magazine"}
        undo = {"UNDO_SECONDS": 600, "RATELIMIT_ENABLED": False}
        service = Service(strapi, mail, Path(folder) / "ledger.db", {**public, **undo})
        fill(service)
        server = make_server("127.0.0.1", port, service.app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield service
        server.shutdown()
        mail.stop()


def fill(service: Service) -> None:
    """Let people apply, some of them days ago."""
    for email, first, last, days, why in PEOPLE:
        with travel(now() - timedelta(days=days, hours=days + 1), tick=True):
            visitor = service.visitor()
            visitor.ask(email, first, last)
            service.deliver()
            visitor.confirm(visitor.link(email=email), firstname=first, lastname=last, why=why)
            service.deliver()
    service.deliver()


@contextmanager
def browser() -> Iterator[Page]:
    """A page of a browser as wide as a laptop's window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium.new_page(viewport={"width": 1000, "height": 700}, color_scheme="light")
        chromium.close()


if __name__ == "__main__":
    main()
