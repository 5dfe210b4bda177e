"""Refusals: why something cannot be done with Strapi's administrators."""

from models.strapi.schema import StrapiUnavailable


class NoAdminUserYet(StrapiUnavailable):
    """Nobody has registered as Strapi's first super admin: a row now would lock them out."""


class RoleUnusable(StrapiUnavailable):
    """The role that authors get is missing, doubled, or the super admins' own."""


class EmailTaken(Exception):
    """Strapi has an administrator with this address who did not come through us."""


class RowGone(Exception):
    """The row that we made is no longer there, or belongs to somebody else."""


class RowChanged(Exception):
    """The row is ours, but somebody changed it in Strapi so that it is not ours to decide."""
