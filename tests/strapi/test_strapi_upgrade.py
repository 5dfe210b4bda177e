"""A Strapi that is upgraded from version to version while authors wait."""

from pathlib import Path

from tests.support.network import free_port
from tests.support.service import ADA_PASSWORD, Start
from tests.support.strapi_file import STRAPI_VERSIONS, SUE, SUE_PASSWORD, StrapiFile
from tests.support.strapi_server import NEEDS_STRAPI, cached

pytestmark = NEEDS_STRAPI


def test_authors_sign_up_and_are_activated_across_upgrades(start: Start, tmp_path: Path) -> None:
    """An upgraded file has columns in another order, NULL orders and old index names.

    Strapi 5 gives document ids to the old rows.
    """
    file = StrapiFile(tmp_path / "upgraded.db")
    token = ""
    for version in STRAPI_VERSIONS:
        with cached(version, free_port()) as server:
            server.install()
            server.start(file.path)
            token = token or server.register_first(SUE, SUE_PASSWORD)
            service = start(STRAPI_DATABASE=str(file.path))
            service.strapi = file
            service.visitor().apply(f"author-of-{version}@example.org")
            # The author of the version before is activated under this one.
            waiting = [row for row in file.admins() if not row["is_active"]]
            for row in waiting[:-1] if version != STRAPI_VERSIONS[-1] else waiting:
                assert service.reviewer().decide("activate", row["id"]).status_code == 303
                assert server.log_in(row["email"], ADA_PASSWORD)[0] == 200
            server.stop()
            assert server.failures() == []

    assert [row["is_active"] for row in file.admins()] == [1, 1, 1, 1]
    assert file.rows("PRAGMA foreign_key_check") == []
