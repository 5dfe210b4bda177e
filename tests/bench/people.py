"""Many signups in a ledger file, each with its row in Strapi's file."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.support.strapi_file import SUE

# The ids in Strapi's file of the signups that wait: the super admin has 1.
WAITING = range(2, 52)
PEOPLE = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :people),
person AS (SELECT n, n + 1 AS strapi_id, :begin + n AS at, printf('d%023d', n) AS document_id,
  'Ada' AS firstname, 'Lovelace ' || n AS lastname, 'firm' || (n % 977) || '.example' AS domain,
  iif(n <= 50, 'waiting', iif(n % 2, 'active', 'declined')) AS state FROM number),
mailbox AS (SELECT *, state || n || '@' || domain AS email,
  iif(state = 'waiting', NULL, at) AS decided_at FROM person)
"""
# Tables and columns keep the names under which they are stored: `letter` is the outbox.
STRAPI = (
    "INSERT INTO admin_users (id, document_id, firstname, lastname, email, password, is_active,"
    " blocked, created_at, updated_at, published_at) SELECT strapi_id, document_id, firstname,"
    " lastname, email, '$2a$10$' || printf('%.53c', 'x'), state = 'active', 0, at, at, at"
    " FROM mailbox",
    "INSERT INTO admin_users_roles_lnk (user_id, role_id, role_ord, user_ord)"
    " SELECT strapi_id, 3, 1, strapi_id FROM mailbox",
)
LEDGER = (
    "INSERT INTO signup (id, key, state, email, firstname, lastname, domain, document_id,"
    " strapi_id, born_at, asked_at, confirmed_at, announced_at, reminded_at, decided_at,"
    " welcomed_at, decided_by) SELECT n, printf('k%021d', n), state, email, firstname, lastname,"
    " domain, document_id, strapi_id, at, at, at, at, :now, decided_at, decided_at, :reviewer"
    " FROM mailbox",
    "INSERT INTO event (signup_id, at, what, by) SELECT n, at, 'asked', 'author' FROM mailbox",
    "INSERT INTO letter (kind, recipient, mailbox, signup_id, reference, owed_at, due_at, sent_at,"
    " leased_until, tries) SELECT 'confirm', email, email, n, printf('r%031d', n), at, at, at, 0,"
    " 0 FROM mailbox",
)


def add_people(strapi: Path, ledger: Path, people: int) -> None:
    """Add signups to empty files: 50 that wait, and then every second one active, the others
    declined."""
    now = int(1000 * time.time())
    # The first signed up four days ago.
    values = {"people": people, "begin": now - 4 * 86_400_000, "now": now, "reviewer": SUE}
    for file, statements in ((strapi, STRAPI), (ledger, LEDGER)):
        with closing(sqlite3.connect(file)) as database, database:
            for statement in statements:
                database.execute(PEOPLE + statement, values)
