"""The whole way, from the form to an active author, by pages and emails alone."""

from tests.conftest import every_strapi
from tests.support.service import ADA, Service
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE


@every_strapi
def test_an_author_signs_up_and_a_super_admin_activates_them(service: Service) -> None:
    author, sue = service.visitor(), service.visitor()

    assert author.ask().location == "/signup/sent"
    [email] = service.deliver()
    assert email["To"] == ADA
    assert "Choose a password" in author.get(author.link()).text
    assert author.confirm().location == author.link()

    received, waiting = service.deliver()
    assert (received["To"], waiting["To"]) == (ADA, SUE)
    assert "We have your application" in author.get(author.link()).text
    assert not service.strapi.is_active(ADA)

    assert sue.log_in().location == "/review"
    assert "Ada Lovelace" in sue.get("/review").text
    assert sue.decide("activate", ADA).status_code == 303

    [email] = service.deliver()
    assert email["To"] == ADA
    assert "https://cms.example.com/admin" in text(email)
    assert service.strapi.is_active(ADA)
    assert "You can write now" in author.get(author.link()).text
