"""Find texts that the columns of Strapi's admin_users cannot hold: a character, or the length.

Strapi's own tables hold every text of 255 characters. Converted or old ones may not.
"""

from collections.abc import Iterable, Mapping

from models.engines import Engine
from models.strapi.errors import NameFault
from models.strapi.schema import Schema


def name_faults(schema: Schema, names: Mapping[str, str | None]) -> dict[str, NameFault]:
    """Return why a column cannot hold its name, by column, for each that cannot."""
    faults = {}
    for field, name in names.items():
        column, text = schema.columns[field], name or ""
        lost = _engine(schema).lost_characters(text, column.encoding)
        longest = column.max_length
        too_long = longest is not None and len(text) > longest
        if lost or too_long:
            faults[field] = NameFault(lost, longest)
    return faults


def incomplete_encodings(schema: Schema) -> dict[str, str]:
    """Return the encoding of each column of a name that cannot hold every name, by column."""
    found = {name: schema.columns[name].encoding for name in ("firstname", "lastname")}
    return {name: encoding for name, encoding in found.items() if encoding}


def storable(schema: Schema, emails: Iterable[str]) -> list[str]:
    """Return the emails that an admin user can have.

    PostgreSQL refuses a query for one that its encoding cannot hold.
    """
    encoding = schema.columns["email"].encoding
    return [each for each in emails if not _engine(schema).lost_characters(each, encoding)]


def _engine(schema: Schema) -> Engine:
    return schema.admin_users._meta.database
