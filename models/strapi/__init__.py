"""Strapi's database: admin users, their roles and permissions, in every version since 4.0."""

from models.strapi.admin_users import AdminUsers
from models.strapi.client import StrapiClient
from models.strapi.encodings import incomplete_encodings, name_faults
from models.strapi.errors import (
    EmailTaken,
    NameNotStorable,
    NoAdminUserYet,
    RoleUnusable,
    RowActive,
    RowChanged,
    RowGone,
    StrapiBusy,
    StrapiUnavailable,
    UnknownSchema,
    ValueRefused,
)
from models.strapi.models import AdminUser, Author, Identity, new_document_id
from models.strapi.permissions import RolePermissions
from models.strapi.roles import SUPER_ADMIN
from models.strapi.sqlite import Fingerprint, SQLiteFile

__all__ = [
    "SUPER_ADMIN",
    "AdminUser",
    "AdminUsers",
    "Author",
    "EmailTaken",
    "Fingerprint",
    "Identity",
    "NameNotStorable",
    "NoAdminUserYet",
    "RolePermissions",
    "RoleUnusable",
    "RowActive",
    "RowChanged",
    "RowGone",
    "SQLiteFile",
    "StrapiBusy",
    "StrapiClient",
    "StrapiUnavailable",
    "UnknownSchema",
    "ValueRefused",
    "incomplete_encodings",
    "name_faults",
    "new_document_id",
]
