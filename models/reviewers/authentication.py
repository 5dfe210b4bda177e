"""Check a reviewer's password: an active super admin's own Strapi password."""

from models import password_hashing
from models.emails import comparable
from models.strapi import AdminUser, StrapiClient


def authenticate(strapi: StrapiClient, email: str, password: str) -> AdminUser | None:
    """Return the active super admin with these credentials, or None.

    The work is the same for every email, so that the time tells nothing.

    Raises: StrapiUnavailable.
    """
    reviewers = strapi.read(lambda admin_users: admin_users.super_admins())
    wanted = comparable(email)
    reviewer = next((each for each in reviewers if each.comparable_email == wanted), None)
    cost = password_hashing.highest_cost(each.password for each in reviewers)
    stored = reviewer.password if reviewer else None
    return reviewer if password_hashing.verify(password, stored, cost) else None
