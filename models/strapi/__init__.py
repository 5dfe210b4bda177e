"""Strapi's administrators, in whichever shape its version left them."""

from models.strapi.admin_users import SUPER_ADMIN, AdminUsers
from models.strapi.census import (
    SPAN,
    Census,
    Standing,
    census,
    duplicated,
    sharing,
    span_of,
    standings,
)
from models.strapi.client import StrapiClient
from models.strapi.errors import EmailTaken, NoAdminUserYet, RoleUnusable, RowChanged, RowGone
from models.strapi.models import AdminUser, Author, Identity, new_document_id
from models.strapi.permissions import RolePermissions
from models.strapi.schema import StrapiBusy, StrapiUnavailable, UnknownSchema
from models.strapi.sqlite import Fingerprint, SQLiteFile

__all__ = [
    "SPAN",
    "SUPER_ADMIN",
    "AdminUser",
    "AdminUsers",
    "Author",
    "Census",
    "EmailTaken",
    "Fingerprint",
    "Identity",
    "NoAdminUserYet",
    "RolePermissions",
    "RoleUnusable",
    "RowChanged",
    "RowGone",
    "SQLiteFile",
    "Standing",
    "StrapiBusy",
    "StrapiClient",
    "StrapiUnavailable",
    "UnknownSchema",
    "census",
    "duplicated",
    "new_document_id",
    "sharing",
    "span_of",
    "standings",
]
