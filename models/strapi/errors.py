"""Reasons why Strapi's database, or a row in it, cannot be used."""

from collections.abc import Mapping
from typing import NamedTuple


class StrapiUnavailable(Exception):
    """Strapi's database cannot be used now. The message says why and what to do."""


class StrapiBusy(StrapiUnavailable):
    """Another program holds a lock. The same call may work in a moment."""


class ValueRefused(StrapiUnavailable):
    """A column cannot hold a text: its encoding lacks a character, or it is too short."""


class UnknownSchema(StrapiUnavailable):
    """The database is not Strapi's, or its tables have columns that this service does not know."""


class NoAdminUserYet(StrapiUnavailable):
    """Strapi has no admin user. A row of ours would keep its first super admin from registering."""


class RoleUnusable(StrapiUnavailable):
    """The authors' role is missing, exists twice, or is the super admins' role."""


class NameFault(NamedTuple):
    """Why a column cannot hold a name: characters that it lacks, or its length if that is less."""

    characters: str
    max_length: int | None


class NameNotStorable(Exception):
    """Strapi's columns cannot hold a name. `faults` says why, by field."""

    def __init__(self, faults: Mapping[str, NameFault]) -> None:
        """Keep the faults."""
        super().__init__("Strapi's database cannot hold this name")
        self.faults = faults


class EmailTaken(Exception):
    """Strapi has an admin user with this email who did not sign up here."""


class RowGone(Exception):
    """The row that this service made no longer exists, or its id belongs to another person."""


class RowChanged(Exception):
    """The row is ours, but it was changed in Strapi, so it is decided in Strapi's panel."""


class RowActive(RowChanged):
    """The row is ours, and active, so it is not deleted."""
