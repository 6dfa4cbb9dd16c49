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

APPEND_ONLY = ("ledger_entry", "checkpoint", "checkpoint_leaf", "checkpoint_key")
"""The tables that the application adds to and never changes."""

# Every migration that adds a table gives the rights to all anew; some of these come later.
_NOT_CHANGED = f"""
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY{list(APPEND_ONLY)} LOOP
        IF to_regclass(name) IS NOT NULL THEN
            EXECUTE 'REVOKE UPDATE, DELETE, TRUNCATE ON ' || name || ' FROM {APP_ROLE}';
        END IF;
    END LOOP;
END $$
"""

RIGHTS = (
    f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}",
    f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}",
    f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {APP_ROLE}",
    _NOT_CHANGED,
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

# An entry may lose its content once a later entry of its chain says so, and nothing else of it.
_ERASE_ONLY = """
CREATE FUNCTION erase_ledger_content_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE content CONSTANT text[] := '{payload,salt,snapshot,snapshot_digest}';
BEGIN
    IF OLD.kind <> 'erased' AND OLD.payload IS NOT NULL
        AND NEW.payload IS NULL AND NEW.salt IS NULL AND NEW.snapshot IS NULL
        AND (OLD.snapshot IS NULL) = (NEW.snapshot_digest IS NULL)
        AND (OLD.form <> 1 OR NEW.snapshot_digest IS NOT DISTINCT FROM sha256(OLD.snapshot))
        AND to_jsonb(NEW) - content = to_jsonb(OLD) - content
        AND EXISTS (
            SELECT FROM ledger_entry e
            WHERE e.chain_id = OLD.chain_id AND e.seq > OLD.seq AND CASE WHEN e.kind = 'erased'
                THEN e.payload::jsonb -> 'seqs' @> to_jsonb(OLD.seq) ELSE false END
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'ledger entries are never changed or removed';
END $$
"""

# The only way for the application: it has no UPDATE, and the trigger above looks on.
_ERASE = """
CREATE FUNCTION erase_ledger_payloads(chain bigint, seqs integer[], digests bytea[])
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH erased AS (
        UPDATE ledger_entry e
        SET payload = NULL, salt = NULL, snapshot = NULL, snapshot_digest = n.digest
        FROM unnest(seqs, digests) AS n(seq, digest)
        WHERE e.chain_id = chain AND e.seq = n.seq
        RETURNING e.seq
    )
    SELECT count(*) FROM erased
$$
"""

_GUARDED = ("checkpoint", "checkpoint_leaf", "checkpoint_key")

INSTALL_ERASURE = (
    _ERASE_ONLY,
    "DROP TRIGGER ledger_entry_is_append_only ON ledger_entry",
    """
    CREATE TRIGGER ledger_entry_is_append_only BEFORE DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change()
    """,
    """
    CREATE TRIGGER ledger_entry_is_only_erased BEFORE UPDATE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION erase_ledger_content_only()
    """,
    _ERASE,
    "REVOKE ALL ON FUNCTION erase_ledger_payloads FROM PUBLIC",
    *(
        f"""
        CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()
        """
        for table in _GUARDED
    ),
    *RIGHTS,
)
"""Guards the tables of checkpoints, and opens the narrow way by which content is erased."""

REMOVE_ERASURE = (
    "DROP FUNCTION erase_ledger_payloads",
    "DROP TRIGGER ledger_entry_is_only_erased ON ledger_entry",
    "DROP TRIGGER ledger_entry_is_append_only ON ledger_entry",
    TRIGGERS[0],
    "DROP FUNCTION erase_ledger_content_only()",
)
"""Takes back what :data:`INSTALL_ERASURE` made; the triggers of checkpoints go with the tables."""

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
