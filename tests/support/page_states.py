"""Every page and email in every state, in a browser, from a service with people in each state."""

import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from playwright.sync_api import Page
from time_machine import travel
from werkzeug.serving import make_server

from models import password_hashing
from models.timestamps import now
from signup.i18n import Catalogues, catalogue
from signup.rate_limits import limiter, memory_limiter
from tests.support.network import free_port
from tests.support.service import ADA_PASSWORD, Service, new_ledger
from tests.support.smtp_server import SMTPServer, html, text
from tests.support.strapi_file import STRAPI_VERSIONS, SUE, SUE_PASSWORD, StrapiFile

# Email, names, days since the application, motivation.
WAITING = [
    (
        *("lin@xn--mller-kva.example", "Lin", "Müller", 3),
        "I photograph trains, and write about who rides them.",
    ),
    ("tom@mailinator.com", "Tom", "", 2, ""),
    (
        *("grace@navy.example", "Grace", "Hopper", 1),
        "I write about compilers, and would like to show why.",
    ),
    ("jean@navy.example", "Jean", "Bartik", 0, "Programs on paper, machines in prose."),
]
REASON = "We have a columnist for compilers. Write to us next spring!"


class PageStates:
    """A browser's page, the service that it visits, and the links of people in each state.

    Labels and buttons are named in English, and found in the page's language.
    """

    def __init__(self, service: Service, page: Page, translate: Callable[[str], str]) -> None:
        self.service = service
        self.page = page
        self.translate = translate
        self.links: dict[str, str] = {}

    def open(self, path: str) -> None:
        self.page.goto(self.service.public + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=self.translate(name), exact=True).first.click()

    def send(self, name: str) -> None:
        """Press a button, and wait for the next page."""
        with self.page.expect_navigation():
            self.press(name)

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(self.translate(label), exact=True).fill(text)

    def tick(self, *people: str) -> None:
        for name in people:
            label = self.translate("Choose %(name)s") % {"name": name}
            self.page.get_by_label(label).check()

    def ask(self, email: str) -> None:
        self.open("/signup")
        self.fill("First name", "Ada")
        self.fill("E-mail address", email)
        self.send("Send me the link")

    def apply(self, link: str, password: str = ADA_PASSWORD, **fields: str) -> None:
        self.open(self.links[link])
        self.fill("Password", password)
        for label, value in fields.items():
            self.fill(label.replace("_", " "), value)
        self.send("Apply")

    def log_in(self, password: str = SUE_PASSWORD) -> None:
        self.open("/review/login")
        self.fill("E-mail address", SUE)
        self.fill("Password", password)
        self.send("Log in")

    def show_email(self, words: str) -> None:
        """Show the newest email with these words, as a mail program does."""
        pattern = re.sub(r"%\\\(\w+\\\)s", ".*", re.escape(self.translate(words)))
        found = [each for each in self.service.mail.messages if re.search(pattern, text(each))]
        self.page.goto("about:blank")
        self.page.set_content(html(found[-1]))

    def configured(self, **settings: object) -> AbstractContextManager[object]:
        """Change settings of the running service for a while."""
        return patch.dict(self.service.app.config, settings)


@contextmanager
def page_states(
    page: Page, language: str = "en", catalogues: Catalogues | None = None
) -> Iterator[PageStates]:
    """Start a service with a person in every state. All use this language."""
    with empty_service(page, language, catalogues) as states:
        add_people(states)
        yield states


@contextmanager
def empty_service(
    page: Page, language: str = "en", catalogues: Catalogues | None = None, **settings: object
) -> Iterator[PageStates]:
    """Start a service that nobody has used. `catalogues` replaces its translations."""
    page.set_extra_http_headers({"Accept-Language": language})
    port = free_port()
    own = {"PUBLIC_URL": f"http://127.0.0.1:{port}", "SITE_NAME": "The Magazine"}
    with new_service({**own, "UNDO_SECONDS": 600, **settings}) as service:
        service.language = language
        service.strapi.do("UPDATE admin_users SET prefered_language = ?", language)
        if catalogues:
            service.app.extensions["babel"].instance.domain_instance = catalogues
        # Lifted after the start, so that one state can put them back.
        service.app.config["RATELIMIT_ENABLED"] = limiter.enabled = memory_limiter.enabled = False
        words = catalogues.get_translations() if catalogues else catalogue(language)
        states = PageStates(service, page, words.ugettext)
        server = make_server("127.0.0.1", port, service.app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield states
        server.shutdown()
        server.server_close()


@contextmanager
def new_service(settings: dict[str, object]) -> Iterator[Service]:
    """The service with databases and a mail server of its own."""
    cheap_hashes = patch.object(password_hashing, "COST", 4)
    with cheap_hashes, tempfile.TemporaryDirectory() as folder, SMTPServer() as mail:
        strapi = StrapiFile.made_by(STRAPI_VERSIONS[-1], Path(folder) / "strapi.db")
        service = Service(strapi, mail, new_ledger(Path(folder) / "ledger.db"), settings)
        yield service
        service.end()


def add_people(states: PageStates) -> None:
    """Let people apply, some of them days ago, and put them into every state."""
    service, links = states.service, states.links
    with days_ago(5):
        for name in ("active", "declined", "withdrawn", "removed", "deactivated"):
            links[name] = service.visitor().apply(email(name))
        service.reviewer().decide("decline", email("declined"), reason=REASON, tell="y")
        service.visitor().post(f"{links['withdrawn']}/withdraw", page=links["withdrawn"])
        for name in ("active", "deactivated"):
            service.strapi.change(email(name), "is_active = 1")
        service.deliver()
        links["expired"] = service.visitor().ask_and_get_link(email("expired"))
    with days_ago(31):
        service.visitor().ask_and_get_link(email("stop"))
        links["stop-expired"] = service.visitor().link("stop", email("stop"))
    service.strapi.change(email("deactivated"), "is_active = 0")
    service.strapi.remove(email("removed"))
    service.deliver()
    add_waiting(states)
    add_links(states)


def add_waiting(states: PageStates) -> None:
    """Let people apply who wait for a decision."""
    service, links = states.service, states.links
    for person, first, last, days, motivation in WAITING:
        with days_ago(days):
            link = service.visitor().ask_and_get_link(person, first=first, last=last)
            service.visitor().confirm(link, firstname=first, lastname=last, why=motivation)
            service.deliver()
    links["waiting"] = service.visitor().link(email=WAITING[-1][0])
    service.visitor().ask(WAITING[-1][0])


def add_links(states: PageStates) -> None:
    """Send links to people who have not confirmed, or not again."""
    service, links = states.service, states.links
    for name in ("again", "open", "taken", "active", "declined"):
        links.setdefault(name, service.visitor().ask_and_get_link(email(name)))
        service.visitor().ask(email(name))
        service.deliver()
    links["replaced"] = links["again"]
    links["open"] = service.visitor().link(email=email("open"))
    links["taken"] = service.visitor().link(email=email("taken"))
    links["stop"] = service.visitor().link("stop", email("open"))
    service.strapi.add_admin(email("taken"), None, "strapi-editor")
    service.deliver()


def email(name: str) -> str:
    return f"{name}@example.org"


@contextmanager
def days_ago(days: int) -> Iterator[None]:
    with travel(now() - timedelta(days=days, hours=days + 1), tick=True):
        yield


def form_with_errors(states: PageStates) -> None:
    states.open("/signup")
    states.fill("E-mail address", "ada")
    states.send("Send me the link")


def form_changed(script: str) -> Callable[[PageStates], None]:
    """The answer to a form that a script has changed before it is sent."""

    def show(states: PageStates) -> None:
        states.open("/signup")
        states.page.evaluate(script)
        states.send("Send me the link")

    return show


def closed(states: PageStates) -> None:
    with states.configured(OPEN=False):
        states.open("/signup")


def password_half_typed(states: PageStates) -> None:
    states.open(states.links["open"])
    label = states.translate("Password")
    states.page.get_by_label(label, exact=True).press_sequentially("Engines of 1843")


def queue_full(states: PageStates) -> None:
    with states.configured(MAX_WAITING=0):
        states.apply("open")


def stopped(states: PageStates) -> None:
    states.open(states.service.visitor().link("stop", email("again")))
    states.send("Never write to me again")


def disputed(states: PageStates) -> None:
    stop_active(states)
    states.send("Never write to me again")
    states.service.deliver()


def stop_active(states: PageStates) -> None:
    states.open(states.service.visitor().link("stop", email("active")))


def login_ended(states: PageStates) -> None:
    """The answer to a button that was pressed after the end of the session."""
    states.log_in()
    states.service.run("logout")
    states.send("Turn that off")


def no_reviewer(states: PageStates) -> None:
    states.service.strapi.change(SUE, "is_active = 0")
    states.open("/review/login")
    states.service.strapi.change(SUE, "is_active = 1")


def undelivered(states: PageStates) -> None:
    states.service.mail.answer = "550 no such user"
    states.service.visitor().ask(email("nobody"))
    states.service.deliver()
    states.service.mail.answer = "250 OK"
    states.open("/review")
    states.page.locator("summary").last.click()


def signup_page(states: PageStates) -> None:
    states.open("/review")
    with states.page.expect_navigation():
        states.page.get_by_role("link", name="Grace Hopper", exact=True).click()


def preview(states: PageStates) -> None:
    signup_page(states)
    states.fill("Reason", REASON)
    states.send("Show me the letter")


def decline_with_error(states: PageStates) -> None:
    signup_page(states)
    states.fill("Reason", "no " * 900)
    states.send("Decline")


def two_ticked(states: PageStates) -> None:
    states.open("/review")
    states.tick("Tom", "Grace Hopper")


def decline_several(states: PageStates) -> None:
    two_ticked(states)
    states.send("Decline them…")


def decided(states: PageStates) -> None:
    states.open("/review")
    states.tick("Lin Müller", "Jean Bartik")
    states.send("Activate them")


def too_often(states: PageStates) -> None:
    limiter.enabled = True
    for _ in range(30):
        states.service.visitor().client.post("/signup", base_url=states.service.public)
    states.open("/signup")
    states.send("Send me the link")
    limiter.enabled = False


class Fault:
    """A setting that raises an unexpected exception."""

    def __bool__(self) -> bool:
        raise ArithmeticError("as if something had gone wrong")


def failed(states: PageStates) -> None:
    with states.configured(OPEN=Fault()):
        states.open("/signup")


def unavailable(states: PageStates) -> None:
    with states.service.strapi.away():
        states.open("/review")


def at(path: str) -> Callable[[PageStates], None]:
    return lambda states: states.open(path)


def link(name: str) -> Callable[[PageStates], None]:
    return lambda states: states.open(states.links[name])


def shown_email(words: str) -> Callable[[PageStates], None]:
    return lambda states: states.show_email(words)


# In this order, because a state shows what earlier ones did.
STATES: dict[str, Callable[[PageStates], None]] = {
    "form": at("/signup"),
    "form-errors": form_with_errors,
    "form-stale": form_changed("document.querySelector('[name=csrf_token]').value = 'old'"),
    "form-closed": closed,
    "sent-slip": lambda states: states.ask("ada@gmial.com"),
    "sent": lambda states: states.ask("ada@example.org"),
    "sent-again": lambda states: states.send("Send it again"),
    "link-open": link("open"),
    "link-typing": password_half_typed,
    "link-errors": lambda states: states.apply("open", "short", First_name=""),
    "link-busy": queue_full,
    "link-taken": lambda states: states.apply("taken"),
    **{f"link-{name}": link(name) for name in ("expired", "replaced", "waiting", "active")},
    **{f"link-{name}": link(name) for name in ("declined", "withdrawn", "removed", "deactivated")},
    "link-damaged": at("/confirm/nonsense"),
    "stop": link("stop"),
    "stop-expired": link("stop-expired"),
    "stopped": stopped,
    "stop-active": stop_active,
    "disputed": disputed,
    "login": at("/review/login"),
    "login-errors": lambda states: states.log_in("wrong"),
    "login-ended": login_ended,
    "login-nobody": no_reviewer,
    "review-queue": PageStates.log_in,
    "review-ticked": two_ticked,
    "review-several": decline_several,
    "review-signup": signup_page,
    "review-preview": preview,
    "review-signup-errors": decline_with_error,
    "review-decision": decided,
    "review-declined": at("/review?state=declined"),
    "review-empty": at("/review?state=active&q=nobody"),
    "review-undelivered": undelivered,
    "error-400": form_changed("document.forms[0].append(document.forms[0].email.cloneNode())"),
    "error-404": at("/nowhere"),
    "error-405": at("/signup/again"),
    "error-413": form_changed("document.forms[0].firstname.value = 'x'.repeat(20000)"),
    "error-429": too_often,
    "error-500": failed,
    "error-503": unavailable,
    "email-confirm": shown_email("To go on, choose a password:"),
    "email-known-account": shown_email("Log in here:"),
    "email-known-waiting": shown_email(
        "somebody, probably you, asked again to write for %(site_name)s. We have your application"
        " already: a person decides, and then we write to you."
    ),
    "email-known-declined": shown_email(
        "somebody, probably you, asked again to write for %(site_name)s. Your last application was"
        " declined not long ago. You may apply again from %(day)s."
    ),
    "email-received": shown_email("How it stands, and a way to take it back:"),
    "email-waiting": shown_email("Decide here:"),
    "email-activated": shown_email("your application was accepted: welcome!"),
    "email-disputed": shown_email("Look at it here:"),
    "email-declined": shown_email(
        "thank you for wanting to write for %(site_name)s. We have decided not to take you on"
        " this time."
    ),
}
