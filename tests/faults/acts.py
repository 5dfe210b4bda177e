"""What people do while a fault strikes, how they get there, and what must be true afterwards."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from werkzeug.test import TestResponse

from tests.support.service import ADA, Service, Visitor, token_of
from tests.support.strapi_file import SUE, SQLiteFile, StrapiFile


@dataclass(frozen=True)
class Person:
    """Somebody who has signed up, with the links in his emails and his id in Strapi."""

    email: str = ADA
    link: str = ""
    stop_link: str = ""
    author_id: int = 0


class Act(NamedTuple):
    """Something that a visitor, a reviewer or the worker does, once or again.

    `before` is the step at which the person must be, `after` the state of the signup when it is
    done.
    """

    do: Callable[[Visitor, Person], TestResponse | None]
    before: str
    after: str

    @property
    def needs_login(self) -> bool:
        return self.after in ("active", "declined") and self.before == "waiting"


def ask(visitor: Visitor, person: Person) -> TestResponse:
    return visitor.ask(person.email)


def confirm(visitor: Visitor, person: Person) -> TestResponse:
    return visitor.confirm(person.link)


def withdraw(visitor: Visitor, person: Person) -> TestResponse:
    return press(visitor, person.link, f"{person.link}/withdraw")


def stop(visitor: Visitor, person: Person) -> TestResponse:
    return press(visitor, person.stop_link, person.stop_link)


def press(visitor: Visitor, page: str, button: str) -> TestResponse:
    """Press a button of a page. If the act is done, the page has no button."""
    seen = visitor.get(page)
    if seen.status_code >= 500 or not token_of(seen):
        return seen
    return visitor.post(button, page=page)


def activate(visitor: Visitor, person: Person) -> TestResponse:
    return visitor.decide("activate", person.author_id)


def decline(visitor: Visitor, person: Person) -> TestResponse:
    return visitor.decide("decline", person.author_id, tell="y")


def deliver(visitor: Visitor, _: Person) -> None:
    visitor.service.deliver()


ACTS = {
    "signup": Act(ask, "new", "asked"),
    "confirm": Act(confirm, "invited", "waiting"),
    "stop": Act(stop, "invited", "stopped"),
    "withdraw": Act(withdraw, "waiting", "withdrawn"),
    "activate": Act(activate, "waiting", "active"),
    "decline": Act(decline, "waiting", "declined"),
    "send the link": Act(deliver, "asked", "asked"),
    "send the news": Act(deliver, "confirmed", "waiting"),
    "send the decision": Act(deliver, "decided", "active"),
}


def bring_to(service: Service, step: str, email: str = ADA) -> Person:
    """Let a person sign up and go on to this step."""
    visitor = service.visitor()
    if step == "new":
        return Person(email)
    visitor.ask(email)
    if step == "asked":
        return Person(email)
    service.deliver()
    link, stop_link = visitor.link(email=email), visitor.link("stop", email)
    if step != "invited":
        visitor.confirm(link)
    if step in ("invited", "confirmed"):
        return Person(email, link, stop_link)
    service.deliver()
    person = Person(email, link, stop_link, service.signup(email)["strapi_id"])
    if step == "decided":
        visitor.log_in()
        activate(visitor, person)
    return person


# The email that tells of each state, and the last event of the history.
TOLD = {
    "asked": "Confirm",
    "waiting": "has your application",
    "active": "You can write",
    "declined": "About your application",
}
EVENTS = {
    "asked": "asked",
    "waiting": "confirmed",
    "stopped": "stopped",
    "withdrawn": "withdrawn",
    "active": "activated",
    "declined": "declined",
}


def states(service: Service, email: str) -> list[str]:
    """The states of this person's signups. One that was stopped has lost its email."""
    found = service.rows("SELECT email, state FROM signup ORDER BY id")
    mine = [row["state"] for row in found if row["email"] == email]
    return mine or [row["state"] for row in found[-1:] if row["state"] == "stopped"]


def violations(service: Service, email: str, state: str, copies: int = 1) -> Iterator[str]:
    """What is lost or was done twice, now that the act is done.

    A kill may cause `copies` of an email, with the same Message-ID.
    """
    if (found := states(service, email)) != [state]:
        yield f"the signups are {found}"
        return
    rows = service.strapi.rows("SELECT * FROM admin_users WHERE email = ?", email)
    if len(rows) != (state in ("waiting", "active", "declined")):
        yield f"{len(rows)} rows in Strapi"
    if any(bool(row["is_active"]) != (state == "active") for row in rows):
        yield "Strapi and the ledger disagree"
    newest = "SELECT max(id) FROM signup" if state == "stopped" else "SELECT id FROM signup"
    owner = "" if state == "stopped" else " WHERE email = ?"
    history = service.rows(
        f"SELECT what FROM event WHERE signup_id = ({newest}{owner})", *([email] if owner else [])
    )
    events = Counter(event["what"] for event in history)
    # A visitor who asks twice gets two links.
    if events[EVENTS[state]] not in ((1, 2) if state == "asked" else (1,)):
        yield f"the history is {dict(events)}"
    yield from wrong_emails(service, email, state, copies)
    yield from damage(service.strapi, service.ledger)


def wrong_emails(service: Service, email: str, state: str, copies: int) -> Iterator[str]:
    """Emails to this person that are missing or came too often."""
    messages = [each for each in service.mail.messages if each["To"] == email]
    told = [each for each in messages if TOLD.get(state, "Confirm") in each["Subject"]]
    if not told:
        yield f"no email tells of the state {state}"
    for message_id, number in Counter(each["Message-ID"] for each in messages).items():
        if number > copies:
            yield f"{number} copies of {message_id}"
    for subject in set(TOLD.values()) - {"Confirm"}:
        ids = {each["Message-ID"] for each in messages if subject in each["Subject"]}
        if len(ids) > 1:
            yield f"{len(ids)} different emails '{subject}'"


def damage(strapi: StrapiFile, ledger: SQLiteFile) -> Iterator[str]:
    """What is wrong in the two databases, whatever has happened."""
    yield from strapi.damage()
    yield from ledger.damage()
    admins = strapi.admins()
    if len({admin["email"].lower() for admin in admins}) != len(admins):
        yield "two admin users have the same email"
    if sorted(link["user_id"] for link in strapi.links()) != [admin["id"] for admin in admins]:
        yield "an admin user has no role, or several, or a role has no admin user"


def reviewers_know(service: Service) -> bool:
    """Whether Sue was told that somebody waits."""
    messages = [each for each in service.mail.messages if each["To"] == SUE]
    return any("waiting to write" in each["Subject"] for each in messages)
