"""What must hold after every fault, whatever happened."""

from collections.abc import Iterator

from tests.support.strapi_file import SQLiteFile, StrapiFile


def damage(strapi: StrapiFile, ledger: SQLiteFile) -> Iterator[str]:
    """What is wrong in the two databases (I1, I2)."""
    yield from strapi.damage()
    yield from ledger.damage()
    admins = strapi.admins()
    if len({admin["email"].lower() for admin in admins}) != len(admins):
        yield "two administrators have one address"
    if sorted(link["user_id"] for link in strapi.links()) != [admin["id"] for admin in admins]:
        yield "somebody has no role, or several, or a role has nobody"
