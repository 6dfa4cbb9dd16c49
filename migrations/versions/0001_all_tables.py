"""All tables of the first release."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("chain_id_seq", data_type=sa.BigInteger)))
    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_table(
        "draft",
        sa.Column("task_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("task_id", "person_id", name=op.f("pk_draft")),
    )
    op.create_index(
        op.f("ix_draft_person_id_saved_at"), "draft", ["person_id", "saved_at"], unique=False
    )
    op.create_table(
        "holiday_year",
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("notice", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_holiday_year")),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("command", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index(op.f("ix_incident_instance_id"), "incident", ["instance_id"], unique=False)
    op.create_index(
        "uq_incident_open",
        "incident",
        ["fingerprint"],
        unique=True,
        postgresql_where="resolved_at IS NULL",
    )
    op.create_table(
        "ledger_chain",
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('chain_id_seq')"), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_chain")),
        sa.UniqueConstraint("name", name=op.f("uq_ledger_chain_name")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("form", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("on_behalf_of", sa.BigInteger(), nullable=True),
        sa.Column("element", sa.Text(), nullable=True),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("command_id", sa.Uuid(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("payload_digest", sa.LargeBinary(), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=True),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "seq", name=op.f("pk_ledger_entry")),
    )
    op.create_index(
        "uq_ledger_entry_command_id",
        "ledger_entry",
        ["command_id"],
        unique=True,
        postgresql_where="command_id IS NOT NULL",
    )
    op.create_table(
        "login_attempt",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_attempt")),
    )
    op.create_table(
        "matter_counter",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", "year", name=op.f("pk_matter_counter")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "can_approve_members", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("has_committee", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("term_start", sa.Date(), nullable=True),
        sa.Column("term_end", sa.Date(), nullable=True),
        sa.Column("founded_on", sa.Date(), nullable=True),
        sa.Column("dissolved_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('committee', 'working_committee', 'general_branch', 'branch', 'joint_branch', 'temporary_branch', 'group', 'leading_group', 'discipline_commission')",
            name=op.f("ck_organisation_kind_known"),
        ),
        sa.CheckConstraint(
            "term_end IS NULL OR term_start <= term_end", name=op.f("ck_organisation_term")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["organisation.id"], name=op.f("fk_organisation_parent_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("code", name=op.f("uq_organisation_code")),
    )
    op.create_index(op.f("ix_organisation_parent_id"), "organisation", ["parent_id"], unique=False)
    op.create_index(
        "ix_organisation_path",
        "organisation",
        ["path"],
        unique=False,
        postgresql_ops={"path": "text_pattern_ops"},
    )
    op.create_table(
        "process_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("deployed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deployed_by", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_version")),
        sa.UniqueConstraint("key", "sha256", name=op.f("uq_process_version_key_sha256")),
    )
    op.create_index(
        "uq_process_version_active",
        "process_version",
        ["key"],
        unique=True,
        postgresql_where="active",
    )
    op.create_table(
        "task_candidate",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("principal", "due_on", "task_id", name=op.f("pk_task_candidate")),
    )
    op.create_index(op.f("ix_task_candidate_task_id"), "task_candidate", ["task_id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("gender", sa.Text(), nullable=True),
        sa.Column("ethnicity", sa.Text(), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("identity_number", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("education", sa.Text(), nullable=True),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("workplace", sa.Text(), nullable=True),
        sa.Column("floating_to", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "gender IS NULL OR gender IN ('male', 'female')", name=op.f("ck_person_gender_known")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["organisation.id"], name=op.f("fk_person_group_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_person_organisation_id_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("identity_number", name=op.f("uq_person_identity_number")),
    )
    op.create_index(op.f("ix_person_group_id"), "person", ["group_id"], unique=False)
    op.create_index(op.f("ix_person_name"), "person", ["name"], unique=False)
    op.create_index(op.f("ix_person_organisation_id"), "person", ["organisation_id"], unique=False)
    op.create_table(
        "process_file",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["process_version.id"],
            name=op.f("fk_process_file_version_id_process_version"),
        ),
        sa.PrimaryKeyConstraint("version_id", "path", name=op.f("pk_process_file")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.Text(), server_default="zh", nullable=False),
        sa.Column("large_print", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("language IN ('zh', 'en')", name=op.f("ck_account_language_known")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_account_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
        sa.UniqueConstraint("person_id", name=op.f("uq_account_person_id")),
    )
    op.create_table(
        "instance",
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('chain_id_seq')"), nullable=False
        ),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=True),
        sa.Column("chain_length", sa.Integer(), nullable=False),
        sa.Column("chain_head", sa.LargeBinary(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("watch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("backfilled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_instance_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["person.id"], name=op.f("fk_instance_subject_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["process_version.id"],
            name=op.f("fk_instance_version_id_process_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )
    op.create_index(
        op.f("ix_instance_organisation_id"), "instance", ["organisation_id"], unique=False
    )
    op.create_index(
        "ix_instance_path",
        "instance",
        ["path", "id"],
        unique=False,
        postgresql_ops={"path": "text_pattern_ops"},
    )
    op.create_index(op.f("ix_instance_subject_id"), "instance", ["subject_id"], unique=False)
    op.create_index("uq_instance_number", "instance", ["prefix", "year", "serial"], unique=True)
    op.create_table(
        "membership",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_chain", sa.BigInteger(), nullable=True),
        sa.Column("source_seq", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('none', 'applicant', 'activist', 'prospect', 'probationary', 'full', 'left')",
            name=op.f("ck_membership_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_membership_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_membership_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
    )
    op.create_index(
        op.f("ix_membership_organisation_id"), "membership", ["organisation_id"], unique=False
    )
    op.create_index(
        "ix_membership_source", "membership", ["source_chain", "source_seq"], unique=False
    )
    op.create_index(
        "ix_membership_timeline", "membership", ["person_id", "since", "id"], unique=False
    )
    op.create_table(
        "post",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('secretary', 'deputy_secretary', 'organisation_commissioner', 'publicity_commissioner', 'discipline_commissioner', 'committee_member', 'group_leader', 'organiser', 'organisation_department', 'auditor', 'administrator')",
            name=op.f("ck_post_kind_known"),
        ),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_post_span")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_post_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_post_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
    )
    op.create_index("ix_post_holders", "post", ["organisation_id", "kind"], unique=False)
    op.create_index("ix_post_person", "post", ["person_id", "since"], unique=False)
    op.create_table(
        "rights_restriction",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('party_probation', 'detained', 'suspended')",
            name=op.f("ck_rights_restriction_kind_known"),
        ),
        sa.CheckConstraint(
            "until IS NULL OR until >= since", name=op.f("ck_rights_restriction_span")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_rights_restriction_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_restriction")),
    )
    op.create_index(
        op.f("ix_rights_restriction_person_id"), "rights_restriction", ["person_id"], unique=False
    )
    op.create_table(
        "substitution",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("substitute_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("posts", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "principal_id <> substitute_id", name=op.f("ck_substitution_two_people")
        ),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_substitution_span")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("fk_substitution_created_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_substitution_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["person.id"], name=op.f("fk_substitution_principal_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["substitute_id"], ["person.id"], name=op.f("fk_substitution_substitute_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_substitution")),
    )
    op.create_index(
        op.f("ix_substitution_organisation_id"), "substitution", ["organisation_id"], unique=False
    )
    op.create_index(
        op.f("ix_substitution_principal_id"), "substitution", ["principal_id"], unique=False
    )
    op.create_index(
        op.f("ix_substitution_substitute_id"), "substitution", ["substitute_id"], unique=False
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_api_token_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index(op.f("ix_api_token_account_id"), "api_token", ["account_id"], unique=False)
    op.create_table(
        "instance_participant",
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instance.id"],
            name=op.f("fk_instance_participant_instance_id_instance"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_instance_participant_person_id_person")
        ),
        sa.PrimaryKeyConstraint(
            "instance_id", "role", "person_id", name=op.f("pk_instance_participant")
        ),
    )
    op.create_index(
        op.f("ix_instance_participant_person_id"),
        "instance_participant",
        ["person_id"],
        unique=False,
    )
    op.create_table(
        "message_outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["instance.id"], name=op.f("fk_message_outbox_sender_id_instance")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_outbox")),
    )
    op.create_index(op.f("ix_message_outbox_name"), "message_outbox", ["name"], unique=False)
    op.create_index(
        op.f("ix_message_outbox_sender_id"), "message_outbox", ["sender_id"], unique=False
    )
    op.create_table(
        "message_subscription",
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instance.id"],
            name=op.f("fk_message_subscription_instance_id_instance"),
        ),
        sa.PrimaryKeyConstraint("instance_id", "uid", name=op.f("pk_message_subscription")),
    )
    op.create_index(
        "ix_message_subscription_name",
        "message_subscription",
        ["name", "instance_id"],
        unique=False,
    )
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("candidates", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("not_before", sa.Date(), nullable=True),
        sa.Column("earliest_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_task_instance_id_instance")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(
        "ix_task_closed_by",
        "task",
        ["closed_by", "id"],
        unique=False,
        postgresql_where="closed_by IS NOT NULL",
    )
    op.create_index("ix_task_instance_id", "task", ["instance_id", "id"], unique=False)
    op.create_table(
        "timer",
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_timer_instance_id_instance")
        ),
        sa.PrimaryKeyConstraint("instance_id", "uid", name=op.f("pk_timer")),
    )
    op.create_index("ix_timer_due_at", "timer", ["due_at"], unique=False)
    op.create_table(
        "web_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_web_session_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_web_session_token_hash")),
    )
    op.create_index(op.f("ix_web_session_account_id"), "web_session", ["account_id"], unique=False)
    op.create_table(
        "attachment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=True),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("uploaded_by", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_attachment_instance_id_instance")
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["blob.sha256"], name=op.f("fk_attachment_sha256_blob")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_attachment_task_id_task")),
        sa.ForeignKeyConstraint(
            ["uploaded_by"], ["person.id"], name=op.f("fk_attachment_uploaded_by_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index(op.f("ix_attachment_instance_id"), "attachment", ["instance_id"], unique=False)
    op.create_index(op.f("ix_attachment_sha256"), "attachment", ["sha256"], unique=False)
    op.create_index(op.f("ix_attachment_uploaded_at"), "attachment", ["uploaded_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_attachment_uploaded_at"), table_name="attachment")
    op.drop_index(op.f("ix_attachment_sha256"), table_name="attachment")
    op.drop_index(op.f("ix_attachment_instance_id"), table_name="attachment")
    op.drop_table("attachment")
    op.drop_index(op.f("ix_web_session_account_id"), table_name="web_session")
    op.drop_table("web_session")
    op.drop_index("ix_timer_due_at", table_name="timer")
    op.drop_table("timer")
    op.drop_index("ix_task_instance_id", table_name="task")
    op.drop_index("ix_task_closed_by", table_name="task", postgresql_where="closed_by IS NOT NULL")
    op.drop_table("task")
    op.drop_index("ix_message_subscription_name", table_name="message_subscription")
    op.drop_table("message_subscription")
    op.drop_index(op.f("ix_message_outbox_sender_id"), table_name="message_outbox")
    op.drop_index(op.f("ix_message_outbox_name"), table_name="message_outbox")
    op.drop_table("message_outbox")
    op.drop_index(op.f("ix_instance_participant_person_id"), table_name="instance_participant")
    op.drop_table("instance_participant")
    op.drop_index(op.f("ix_api_token_account_id"), table_name="api_token")
    op.drop_table("api_token")
    op.drop_index(op.f("ix_substitution_substitute_id"), table_name="substitution")
    op.drop_index(op.f("ix_substitution_principal_id"), table_name="substitution")
    op.drop_index(op.f("ix_substitution_organisation_id"), table_name="substitution")
    op.drop_table("substitution")
    op.drop_index(op.f("ix_rights_restriction_person_id"), table_name="rights_restriction")
    op.drop_table("rights_restriction")
    op.drop_index("ix_post_person", table_name="post")
    op.drop_index("ix_post_holders", table_name="post")
    op.drop_table("post")
    op.drop_index("ix_membership_timeline", table_name="membership")
    op.drop_index("ix_membership_source", table_name="membership")
    op.drop_index(op.f("ix_membership_organisation_id"), table_name="membership")
    op.drop_table("membership")
    op.drop_index("uq_instance_number", table_name="instance")
    op.drop_index(op.f("ix_instance_subject_id"), table_name="instance")
    op.drop_index(
        "ix_instance_path", table_name="instance", postgresql_ops={"path": "text_pattern_ops"}
    )
    op.drop_index(op.f("ix_instance_organisation_id"), table_name="instance")
    op.drop_table("instance")
    op.drop_table("account")
    op.drop_table("process_file")
    op.drop_index(op.f("ix_person_organisation_id"), table_name="person")
    op.drop_index(op.f("ix_person_name"), table_name="person")
    op.drop_index(op.f("ix_person_group_id"), table_name="person")
    op.drop_table("person")
    op.drop_index(op.f("ix_task_candidate_task_id"), table_name="task_candidate")
    op.drop_table("task_candidate")
    op.drop_index(
        "uq_process_version_active", table_name="process_version", postgresql_where="active"
    )
    op.drop_table("process_version")
    op.drop_index(
        "ix_organisation_path",
        table_name="organisation",
        postgresql_ops={"path": "text_pattern_ops"},
    )
    op.drop_index(op.f("ix_organisation_parent_id"), table_name="organisation")
    op.drop_table("organisation")
    op.drop_table("matter_counter")
    op.drop_table("login_attempt")
    op.drop_index(
        "uq_ledger_entry_command_id",
        table_name="ledger_entry",
        postgresql_where="command_id IS NOT NULL",
    )
    op.drop_table("ledger_entry")
    op.drop_table("ledger_chain")
    op.drop_index("uq_incident_open", table_name="incident", postgresql_where="resolved_at IS NULL")
    op.drop_index(op.f("ix_incident_instance_id"), table_name="incident")
    op.drop_table("incident")
    op.drop_table("holiday_year")
    op.drop_index(op.f("ix_draft_person_id_saved_at"), table_name="draft")
    op.drop_table("draft")
    op.drop_table("blob")
    op.execute(sa.schema.DropSequence(sa.Sequence("chain_id_seq")))
