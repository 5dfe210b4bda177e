"""The whole way, from the form to an active author, through pages and letters alone."""

from tests.conftest import every_strapi
from tests.support.service import ADA, Service
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE


@every_strapi
def test_an_author_signs_up_and_a_super_admin_lets_them_in(service: Service) -> None:
    author, sue = service.visitor(), service.visitor()

    assert author.ask().location == "/signup/sent"
    [letter] = service.deliver()
    assert letter["To"] == ADA
    assert "Choose a password" in author.get(author.link()).text
    assert author.confirm().location == author.link()

    received, waiting = service.deliver()
    assert (received["To"], waiting["To"]) == (ADA, SUE)
    assert "We have your application" in author.get(author.link()).text
    row = service.strapi.admin(ADA) or {}
    assert row["is_active"] == 0

    assert sue.log_in().location == "/review"
    assert "Ada Lovelace" in sue.get("/review").text
    assert sue.decide("activate", row["id"]).status_code == 303

    [letter] = service.deliver()
    assert letter["To"] == ADA
    assert "https://cms.example.com/admin" in text(letter)
    assert [admin["is_active"] for admin in service.strapi.admins()] == [1, 1]
    assert "You can write now" in author.get(author.link()).text
