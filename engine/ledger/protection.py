"""The database's own guard over the ledger: what migrations install for the application's role.

Rights alone keep the application out; the trigger also stops an owner's slip. Whoever owns the
server can still switch both off, which is why every chain can be verified.
"""

from engine.database import APP_ROLE

ROLE = f"""
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
        CREATE ROLE {APP_ROLE} NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, '{APP_ROLE}', 'MEMBER') THEN
        EXECUTE format('GRANT {APP_ROLE} TO %I', current_user);
    END IF;
END $$
"""  # noqa: S608 - the role's name is a constant of ours

RIGHTS = (
    f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}",
    f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}",
    f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {APP_ROLE}",
    f"REVOKE UPDATE, DELETE, TRUNCATE ON ledger_entry FROM {APP_ROLE}",
    f"REVOKE ALL ON alembic_version FROM {APP_ROLE}",
    f"GRANT SELECT ON alembic_version TO {APP_ROLE}",
)

REFUSE_CHANGE = """
CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger entries are never changed or removed';
END $$
"""

TRIGGERS = (
    """
    CREATE TRIGGER ledger_entry_is_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change()
    """,
    """
    CREATE TRIGGER ledger_entry_is_never_emptied BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()
    """,
)

INSTALL = (ROLE, REFUSE_CHANGE, *TRIGGERS, *RIGHTS)

REMOVE = (
    "DROP TRIGGER ledger_entry_is_never_emptied ON ledger_entry",
    "DROP TRIGGER ledger_entry_is_append_only ON ledger_entry",
    "DROP FUNCTION refuse_ledger_change()",
    f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {APP_ROLE}",
    f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {APP_ROLE}",
    f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM {APP_ROLE}",
    f"REVOKE ALL ON SCHEMA public FROM {APP_ROLE}",
)
"""Takes back what :data:`INSTALL` gave. The role stays: other databases may use it."""
