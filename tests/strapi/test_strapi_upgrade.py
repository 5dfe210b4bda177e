"""A Strapi that is upgraded from version to version while authors come and wait."""

from collections.abc import Callable
from pathlib import Path

from tests.support.network import free_port
from tests.support.service import ADA_PASSWORD, Service
from tests.support.strapi_file import STRAPI_VERSIONS, SUE, SUE_PASSWORD, StrapiFile
from tests.support.strapi_server import NEEDS_STRAPI, cached

pytestmark = NEEDS_STRAPI


def test_a_file_that_was_upgraded_from_version_to_version_is_as_good(
    start: Callable[..., Service], tmp_path: Path
) -> None:
    """Upgraded files differ from fresh ones: columns in another order, NULL orders, old index
    names beside new ones; Strapi 5 gives the old rows document ids."""
    file = StrapiFile(tmp_path / "upgraded.db")
    token = ""
    for version in STRAPI_VERSIONS:
        server = cached(version, free_port())
        server.install()
        server.start(file.path)
        token = token or server.register_first(SUE, SUE_PASSWORD)
        service = start(STRAPI_DATABASE=str(file.path))
        service.strapi = file
        email = f"author-of-{version}@example.org"
        service.visitor().apply(email)
        # The one who waits since the version before is still the same person after it.
        waiting = [row for row in file.admins() if not row["is_active"]]
        for row in waiting[:-1] if version != STRAPI_VERSIONS[-1] else waiting:
            activate(service, row["id"])
            assert server.log_in(row["email"], ADA_PASSWORD)[0] == 200
        server.stop()
        assert server.failures() == []

    assert [row["is_active"] for row in file.admins()] == [1, 1, 1, 1]
    assert file.rows("PRAGMA foreign_key_check") == []


def activate(service: Service, author_id: int) -> None:
    sue = service.visitor()
    sue.log_in()
    assert sue.decide("activate", author_id).status_code == 303
