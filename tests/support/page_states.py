"""Every page in every state, on a service whose people are in each of them."""

import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page
from time_machine import travel
from werkzeug.serving import make_server

from models.timestamps import now
from signup.i18n import Catalogues, catalogue
from signup.rate_limits import limiter, memory_limiter
from tests.support.network import free_port
from tests.support.service import ADA_PASSWORD, Service
from tests.support.smtp_server import SMTPServer, html, text
from tests.support.strapi_file import SUE, SUE_PASSWORD, SQLiteFile, StrapiFile

WAITING = [
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
REASON = "We have a columnist for compilers. Write to us next spring!"


class Gallery:
    """A service on 127.0.0.1, the links of its people, and a browser's page to see them on;
    what is looked for on it is named in English, and found in the language that is spoken."""

    def __init__(self, service: Service, page: Page, say: Callable[[str], str]) -> None:
        self.service = service
        self.page = page
        self.say = say
        self.links: dict[str, str] = {}

    def open(self, path: str) -> None:
        self.page.goto(self.service.public + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=self.say(name), exact=True).first.click()

    def send(self, name: str) -> None:
        """Press a button, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.press(name)

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(self.say(label), exact=True).fill(text)

    def tick(self, person: str) -> None:
        self.page.get_by_label(self.say("Choose %(name)s") % {"name": person}).check()

    def ask(self, email: str) -> None:
        self.open("/signup")
        self.fill("First name", "Ada")
        self.fill("E-mail address", email)
        self.send("Send me the link")

    def choose(self, password: str) -> None:
        self.fill("Password", password)

    def log_in(self) -> None:
        self.open("/review/login")
        self.fill("E-mail address", SUE)
        self.choose(SUE_PASSWORD)
        self.send("Log in")

    def letter(self, saying: str) -> None:
        """The newest letter that says so, as a mail program shows it."""
        said = re.sub(r"%\\\(\w+\\\)s", ".*", re.escape(self.say(saying)))
        found = [each for each in self.service.mail.messages if re.search(said, text(each))]
        self.page.goto("about:blank")
        self.page.set_content(html(found[-1]))

    @contextmanager
    def configured(self, **settings: object) -> Iterator[None]:
        config = self.service.app.config
        before = {name: config[name] for name in settings}
        config.update(settings)
        yield
        config.update(before)


@contextmanager
def gallery(
    page: Page, language: str = "en", domain: Catalogues | None = None, **settings: object
) -> Iterator[Gallery]:
    """A service with somebody in every state, and Sue at the desk; all of them speak this
    language, in words of the `domain`, where it is another than the service's own."""
    page.set_extra_http_headers({"Accept-Language": language})
    with tempfile.TemporaryDirectory() as folder:
        mail, port = SMTPServer(), free_port()
        mail.start()
        strapi = StrapiFile.made_by("5.54.0", Path(folder) / "strapi.db")
        public = {"PUBLIC_URL": f"http://127.0.0.1:{port}", "SITE_NAME": "The Magazine"}
        rules = {"UNDO_SECONDS": 600}
        service = Service(
            strapi, mail, SQLiteFile(Path(folder) / "ledger.db"), {**public, **rules, **settings}
        )
        service.language = language
        strapi.do("UPDATE admin_users SET prefered_language = ?", language)
        if domain:
            service.app.extensions["babel"].instance.domain_instance = domain
        # Lifted after the start, so that one scene can put it back.
        service.app.config["RATELIMIT_ENABLED"] = limiter.enabled = memory_limiter.enabled = False
        words = domain.get_translations() if domain else catalogue(language)
        shown = Gallery(service, page, words.ugettext)
        people(shown)
        server = make_server("127.0.0.1", port, service.app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield shown
        server.shutdown()
        mail.stop()


def people(shown: Gallery) -> None:
    """Let people apply, some of them days ago, and go different ways."""
    service, links = shown.service, shown.links
    with days_ago(5):
        for name in ("active", "declined", "withdrawn", "removed", "deactivated"):
            links[name] = service.visitor().apply(f"{name}@example.org")
        sue = service.visitor()
        sue.log_in()
        sue.decide("decline", author(service, "declined"), reason=REASON, tell="y")
        service.visitor().post(f"{links['withdrawn']}/withdraw", page=links["withdrawn"])
        change(service, "is_active = 1", "active", "deactivated")
        links["expired"] = asked(service, "expired")
    change(service, "is_active = 0", "deactivated")
    service.strapi.do("DELETE FROM admin_users WHERE email = 'removed@example.org'")
    service.deliver()
    for email, first, last, days, why in WAITING:
        with days_ago(days):
            service.visitor().ask(email, first, last)
            service.deliver()
            link = service.visitor().link(email=email)
            service.visitor().confirm(link, firstname=first, lastname=last, why=why)
            service.deliver()
    links["waiting"] = service.visitor().link(email=WAITING[-1][0])
    service.visitor().ask(WAITING[-1][0])
    links["replaced"] = asked(service, "again")
    for name in ("again", "open", "taken", "active", "declined"):
        links.setdefault(name, asked(service, name))
        service.visitor().ask(f"{name}@example.org")
        service.deliver()
    links["open"] = service.visitor().link(email="open@example.org")
    links["taken"] = service.visitor().link(email="taken@example.org")
    links["stop"] = service.visitor().link("stop", "open@example.org")
    service.strapi.add_admin("taken@example.org", None, "strapi-editor")
    service.deliver()


def asked(service: Service, name: str) -> str:
    service.visitor().ask(f"{name}@example.org")
    service.deliver()
    return service.visitor().link(email=f"{name}@example.org")


def author(service: Service, name: str) -> int:
    return int(service.signup(f"{name}@example.org")["strapi_id"])


def change(service: Service, what: str, *names: str) -> None:
    for name in names:
        query = f"UPDATE admin_users SET {what} WHERE email = ?"
        service.strapi.do(query, f"{name}@example.org")
    service.deliver()


@contextmanager
def days_ago(days: int) -> Iterator[None]:
    with travel(now() - timedelta(days=days, hours=days + 1), tick=True):
        yield


def form_with_errors(shown: Gallery) -> None:
    shown.open("/signup")
    shown.fill("E-mail address", "ada")
    shown.send("Send me the link")


def closed(shown: Gallery) -> None:
    with shown.configured(OPEN=False):
        shown.open("/signup")


def stale(shown: Gallery) -> None:
    shown.open("/signup")
    shown.page.evaluate("document.querySelector('[name=csrf_token]').value = 'old'")
    shown.send("Send me the link")


def open_while_typing(shown: Gallery) -> None:
    shown.open(shown.links["open"])
    shown.page.get_by_label(shown.say("Password"), exact=True).press_sequentially("Engines of 1843")


def open_with_errors(shown: Gallery) -> None:
    shown.open(shown.links["open"])
    shown.choose("short")
    shown.fill("First name", "")
    shown.send("Apply")


def busy(shown: Gallery) -> None:
    shown.open(shown.links["open"])
    shown.choose(ADA_PASSWORD)
    with shown.configured(MAX_WAITING=0):
        shown.send("Apply")


def taken(shown: Gallery) -> None:
    shown.open(shown.links["taken"])
    shown.choose(ADA_PASSWORD)
    shown.send("Apply")


def stopped(shown: Gallery) -> None:
    shown.open(shown.service.visitor().link("stop", "again@example.org"))
    shown.send("Never write to me again")


def wrong_login(shown: Gallery) -> None:
    shown.open("/review/login")
    shown.fill("E-mail address", SUE)
    shown.choose("wrong")
    shown.send("Log in")


def nobody_to_decide(shown: Gallery) -> None:
    change(shown.service, "is_active = 0", "nobody")
    shown.service.strapi.do("UPDATE admin_users SET is_active = 0 WHERE email = ?", SUE)
    shown.open("/review/login")
    shown.service.strapi.do("UPDATE admin_users SET is_active = 1 WHERE email = ?", SUE)


def undelivered(shown: Gallery) -> None:
    shown.service.mail.answer = "550 no such user"
    asked_in_vain = shown.service.visitor().ask("nobody@example.org")
    assert asked_in_vain.status_code == 303
    shown.service.deliver()
    shown.service.mail.answer = "250 OK"
    shown.open("/review")
    shown.page.locator("summary").last.click()


def author_page(shown: Gallery) -> None:
    shown.open("/review")
    with shown.page.expect_navigation():
        shown.page.get_by_role("link", name="Grace Hopper", exact=True).click()


def letter_shown(shown: Gallery) -> None:
    author_page(shown)
    shown.fill("Reason", REASON)
    shown.send("Show me the letter")


def decline_with_error(shown: Gallery) -> None:
    author_page(shown)
    shown.fill("Reason", "no " * 900)
    shown.send("Decline")


def two_ticked(shown: Gallery) -> None:
    shown.open("/review")
    for name in ("Tom", "Grace Hopper"):
        shown.tick(name)


def decline_several(shown: Gallery) -> None:
    two_ticked(shown)
    shown.send("Decline them…")


def decided(shown: Gallery) -> None:
    shown.open("/review")
    for name in ("Lin Müller", "Jean Bartik"):
        shown.tick(name)
    shown.send("Activate them")


def given_twice(shown: Gallery) -> None:
    shown.open("/signup")
    shown.page.evaluate("document.forms[0].append(document.forms[0].email.cloneNode())")
    shown.send("Send me the link")


def too_long(shown: Gallery) -> None:
    shown.open("/signup")
    shown.fill("First name", "x" * 20000)
    shown.send("Send me the link")


def too_often(shown: Gallery) -> None:
    limiter.enabled = True
    for _ in range(30):
        shown.service.visitor().client.post("/signup", base_url=shown.service.public)
    shown.open("/signup")
    shown.send("Send me the link")
    limiter.enabled = False


def failed(shown: Gallery) -> None:
    with shown.configured(OPEN=Unsure()):
        shown.open("/signup")


def unavailable(shown: Gallery) -> None:
    away = shown.service.strapi.path.rename(shown.service.strapi.path.with_suffix(".away"))
    shown.open("/review")
    away.rename(shown.service.strapi.path)


class Unsure:
    """A fault that nobody expects."""

    def __bool__(self) -> bool:
        raise ArithmeticError("as if something had gone wrong")


def at(path: str) -> Callable[[Gallery], None]:
    return lambda shown: shown.open(path)


def link(name: str) -> Callable[[Gallery], None]:
    return lambda shown: shown.open(shown.links[name])


def letter(saying: str) -> Callable[[Gallery], None]:
    return lambda shown: shown.letter(saying)


# In the order in which they are shown: what one does, those after it may see.
SCENES: dict[str, Callable[[Gallery], None]] = {
    "form": at("/signup"),
    "form-errors": form_with_errors,
    "form-stale": stale,
    "form-closed": closed,
    "sent-slip": lambda shown: shown.ask("ada@gmial.com"),
    "sent": lambda shown: shown.ask("ada@example.org"),
    "sent-again": at("/signup/sent?again=1"),
    "link-open": link("open"),
    "link-typing": open_while_typing,
    "link-errors": open_with_errors,
    "link-busy": busy,
    "link-taken": taken,
    **{f"link-{name}": link(name) for name in ("expired", "replaced", "waiting", "active")},
    **{f"link-{name}": link(name) for name in ("declined", "withdrawn", "removed", "deactivated")},
    "link-damaged": at("/confirm/nonsense"),
    "stop": link("stop"),
    "stopped": stopped,
    "login": at("/review/login"),
    "login-errors": wrong_login,
    "login-ended": at("/review/login?ended=True"),
    "login-nobody": nobody_to_decide,
    "desk-queue": Gallery.log_in,
    "desk-ticked": two_ticked,
    "desk-several": decline_several,
    "desk-signup": author_page,
    "desk-letter": letter_shown,
    "desk-signup-errors": decline_with_error,
    "desk-decision": decided,
    "desk-declined": at("/review?state=declined"),
    "desk-empty": at("/review?state=active&q=nobody"),
    "desk-undelivered": undelivered,
    "error-400": given_twice,
    "error-404": at("/nowhere"),
    "error-405": at("/signup/again"),
    "error-413": too_long,
    "error-429": too_often,
    "error-500": failed,
    "error-503": unavailable,
    "letter-confirm": letter("To go on, choose a password:"),
    "letter-known-account": letter("Log in here:"),
    "letter-known-waiting": letter(
        "somebody, probably you, asked again to write for %(site_name)s. We have your application"
        " already: a person decides, and then we write to you."
    ),
    "letter-known-declined": letter(
        "somebody, probably you, asked again to write for %(site_name)s. Your last application was"
        " declined not long ago. You may apply again from %(day)s."
    ),
    "letter-received": letter("How it stands, and a way to take it back:"),
    "letter-waiting": letter("Decide here:"),
    "letter-activated": letter("your application was accepted: welcome!"),
    "letter-declined": letter(
        "thank you for wanting to write for %(site_name)s. We have decided not to take you on"
        " this time."
    ),
}
