"""A ledger with rows of every kind, and what the models read in one."""

from typing import Any

from models.ledger.database import engine_for
from models.transfer import TABLES
from tests.support.service import Service

# Right to left, beyond the first 65,536 characters, and with an accent of its own.
NAMES = [("עדה", "לאבלייס"), ("آدا", "لوفليس"), ("𠮷野", "花子"), ("Ade\u0301le", "Straße")]
MOTIVATION = "🖋️👩‍🚀 \r\n— שלום"


def fill(service: Service) -> None:
    """Leave a ledger with a row in every table."""
    visitor, sue = service.visitor(), service.reviewer()
    for number, (first, last) in enumerate(NAMES):
        link = visitor.ask_and_get_link(f"n{number}@example.org", first=first, last=last)
        visitor.confirm(link, firstname=first, lastname=last, why=MOTIVATION)
    sue.post("/review/notices/off", page="/review")
    sue.decide("activate", "n0@example.org")
    sue.decide("decline", "n1@example.org", reason="לא 😀", tell="y")
    visitor.ask_and_get_link("eve@example.org")
    visitor.post(visitor.link("stop", "eve@example.org"))
    visitor.ask_and_get_link()


def rows_at(url: str) -> dict[str, list[Any]]:
    """What the models read in each table of a ledger."""
    engine = engine_for(url)
    with engine.connection_context():
        found = {
            table.__name__: list(table.select().order_by(table.id).tuples().execute(engine))
            for table in TABLES
        }
    engine.close_idle()
    return found
