"""No URL makes a page say that something was done."""

import re

from tests.support.report_tables import Report
from tests.support.service import PUBLIC, Service, Visitor

NAMES = (
    *("done", "back", "missed", "again", "ended", "sent", "resent", "told", "renewed", "notice"),
    *("just_done", "asked", "stopped", "error", "errors", "message", "busy", "correct", "detail"),
)
VALUES = ("1", "2", "all", "True", "decided", "ada@example.org")
PAGES = ("/signup", "/signup/sent", "/review/login", "/review", "/review?state=active")
PAGES_OF_SIGNUPS = ("/review/signup/1", "/review/signup/2", "{link}", "{stop}")


def text_of(visitor: Visitor, path: str) -> str:
    """A page without the form tokens, and without the URLs, which repeat the query."""
    page = visitor.client.get(path, base_url=PUBLIC, follow_redirects=True)
    return re.sub(r'(value|href)="[^"]*"', "", page.text)


def test_no_query_makes_a_page_state_a_fact(service: Service, sue: Visitor, report: Report) -> None:
    visitor = service.visitor()
    link = visitor.apply()
    visitor.apply("tom@example.org")
    sue.decide("activate", "tom@example.org")
    sue.get("/review")
    places = {"link": link, "stop": visitor.link("stop")}
    for path in (page.format(**places) for page in (*PAGES, *PAGES_OF_SIGNUPS)):
        browser = sue if path.startswith("/review") and "login" not in path else service.visitor()
        plain = text_of(browser, path)
        for name in NAMES:
            queries = (f"{name}={value}" for value in VALUES)
            urls = [f"{path}{'&' if '?' in path else '?'}{query}" for query in queries]
            false = [url for url in urls if text_of(browser, url) != plain]
            report("a fact in the query of a URL", len(urls), false)
