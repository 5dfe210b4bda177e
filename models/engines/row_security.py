"""Row level security of PostgreSQL: whether it hides rows from this service, and what to do."""

# For each verb that this user was granted on a secured table: whether a policy without a condition
# lets the user see or write every row, and no restrictive policy takes some away again. A condition
# cannot be judged from outside, so it counts as one that hides rows.
HIDDEN_QUERY = """
SELECT relname, verb
FROM pg_class
CROSS JOIN (
  VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')
) AS verbs (verb, cmd)
CROSS JOIN LATERAL (
  SELECT bool_or(polpermissive AND free) AS allowed, bool_or(NOT polpermissive AND NOT free) AS cut
  FROM (
    SELECT polpermissive, CASE
      WHEN verb = 'INSERT' THEN coalesce(checked, seen) = 'true'
      WHEN verb = 'UPDATE' THEN seen = 'true' AND coalesce(checked, 'true') = 'true'
      ELSE seen = 'true' END AS free
    FROM pg_policy, LATERAL (
      SELECT pg_get_expr(polqual, polrelid) AS seen, pg_get_expr(polwithcheck, polrelid) AS checked
    ) AS conditions
    WHERE polrelid = pg_class.oid AND polcmd::text IN (cmd, '*') AND EXISTS (
      SELECT FROM unnest(polroles) AS role WHERE role = 0 OR pg_has_role(role, 'USAGE'))
  ) AS policies
) AS effect
WHERE relname = ANY(%s) AND pg_table_is_visible(pg_class.oid) AND row_security_active(pg_class.oid)
  AND CASE verb WHEN 'DELETE' THEN has_table_privilege(pg_class.oid, verb)
    ELSE has_any_column_privilege(pg_class.oid, verb) END
  AND (allowed IS NOT TRUE OR cut)
ORDER BY relname, verb
"""


def fault(hidden: list[tuple[str, str]]) -> str | None:
    """Return what to do, given the tables and verbs that HIDDEN_QUERY found; None for none."""
    if not hidden:
        return None
    tables = dict.fromkeys(table for table, _ in hidden)
    found = "; ".join(
        f"{table} ({', '.join(verb for name, verb in hidden if name == table)})" for table in tables
    )
    return (
        f"hides rows from this user by row level security: {found}. As the owner of each, type"
        " CREATE POLICY author_signup ON … TO … USING (true), or as a superuser"
        " ALTER ROLE … BYPASSRLS"
    )
