"""Strapi's administrators, in whichever shape its version left them."""

from models.strapi.administrators import SUPER_ADMIN, Administrators
from models.strapi.census import (
    SPAN,
    Census,
    Standing,
    census,
    doubled,
    sharing,
    span_of,
    standings,
)
from models.strapi.door import Strapi
from models.strapi.file import File, Mark
from models.strapi.people import Administrator, Author, Identity, new_document_id
from models.strapi.permissions import Powers
from models.strapi.refusals import (
    AddressTaken,
    Altered,
    Gone,
    NoAdministratorYet,
    RoleUnusable,
)
from models.strapi.shape import StrapiBusy, StrapiUnavailable, UnknownShape

__all__ = [
    "SPAN",
    "SUPER_ADMIN",
    "AddressTaken",
    "Administrator",
    "Administrators",
    "Altered",
    "Author",
    "Census",
    "File",
    "Gone",
    "Identity",
    "Mark",
    "NoAdministratorYet",
    "Powers",
    "RoleUnusable",
    "Standing",
    "Strapi",
    "StrapiBusy",
    "StrapiUnavailable",
    "UnknownShape",
    "census",
    "doubled",
    "new_document_id",
    "sharing",
    "span_of",
    "standings",
]
