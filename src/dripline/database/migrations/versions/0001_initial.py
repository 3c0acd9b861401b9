"""Schema 0001_initial."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, Json, UtcDateTime

revision = "0001_initial"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "contacts",
        sa.Column("id", Id(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("username", sa.String(length=200), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=40), server_default="VISITOR", nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=True),
        sa.Column("last_seen_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "content_documents",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("revision_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_content_documents")),
    )
    op.create_table(
        "content_revisions",
        sa.Column("id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", Json(), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("via", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_revisions")),
    )
    op.create_index(
        "uq_content_revisions", "content_revisions", ["kind", "key", "number"], unique=True
    )
    op.create_table(
        "content_state",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("default_scenario_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_state")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("scenario_id", sa.String(length=64), nullable=True),
        sa.Column("message_id", sa.String(length=120), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("detail", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_contact_id", "decisions", ["contact_id", "id"], unique=False)
    op.create_table(
        "delivery_keys",
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("resend", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint(
            "contact_id",
            "origin_id",
            "run",
            "message_id",
            "channel",
            "resend",
            name=op.f("pk_delivery_keys"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("id", Id(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("contact_id", Id(), nullable=True),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("source_id", sa.String(length=160), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("data", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_events_source_source_id")),
    )
    op.create_index(
        "ix_events_contact",
        "events",
        ["contact_id", "id"],
        unique=False,
        sqlite_where=sa.text("source <> 'delivery'"),
        postgresql_where=sa.text("source <> 'delivery'"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", Id(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("source_id", sa.String(length=160), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_inbox_source_source_id")),
    )
    op.create_index(
        "ix_inbox_open",
        "inbox",
        ["source", "id"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "inflight",
        sa.Column("id", Id(), nullable=False),
        sa.Column("claim", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.String(length=80), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("pace_key", sa.String(length=80), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("ref", Id(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("outages", sa.SmallInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inflight")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "media",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_media")),
    )
    op.create_table(
        "media_file_ids",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bot", sa.String(length=40), nullable=False),
        sa.Column("file_id", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "bot", name=op.f("pk_media_file_ids")),
    )
    op.create_table(
        "message_deliveries",
        sa.Column("id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("scenario_id", sa.String(length=64), nullable=True),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("resend", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("bot", sa.String(length=40), nullable=False),
        sa.Column("address_id", Id(), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("scheduled_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("clicked_at", UtcDateTime(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.String(length=40), nullable=True),
        sa.Column("provider_ids", sa.Text(), nullable=True),
        sa.Column("attempt_count", sa.SmallInteger(), nullable=False),
        sa.Column("max_attempts", sa.SmallInteger(), server_default=sa.text("3"), nullable=False),
        sa.Column("decision", Json(), nullable=True),
        sa.Column("metadata", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_deliveries")),
    )
    op.create_table(
        "outbox",
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("consumer", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", "consumer", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["consumer", "event_id"],
        unique=False,
        sqlite_where=sa.text("attempts < 5"),
        postgresql_where=sa.text("attempts < 5"),
    )
    op.create_table(
        "pace",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("interval_us", sa.Float(precision=53), nullable=False),
        sa.Column("tat_us", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("hold_until_us", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.Column("outages", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pace")),
    )
    op.create_table(
        "queue",
        sa.Column("pace_key", sa.String(length=80), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("ref", Id(), nullable=False),
        sa.Column("turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("outages", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("pace_key", "priority", "due_at", "id", name=op.f("pk_queue")),
        postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 10000},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scenario_switches",
        sa.Column("scenario_id", sa.String(length=64), nullable=False),
        sa.Column("paused_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("scenario_id", name=op.f("pk_scenario_switches")),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "addresses",
        sa.Column("id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("bot", sa.String(length=40), server_default="", nullable=False),
        sa.Column("value", sa.String(length=320), nullable=False),
        sa.Column("reachability", sa.String(length=20), server_default="reachable", nullable=False),
        sa.Column("reachability_since", UtcDateTime(), nullable=False),
        sa.Column("reachability_reason", sa.Text(), nullable=True),
        sa.Column("next_send_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_addresses_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addresses")),
        sa.UniqueConstraint("channel", "bot", "value", name=op.f("uq_addresses_channel_bot_value")),
        postgresql_with={"fillfactor": 85},
        sqlite_with_rowid=False,
    )
    op.create_index("ix_addresses_contact_id", "addresses", ["contact_id"], unique=False)
    op.create_table(
        "contact_attributes",
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", Json(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_contact_attributes_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", "name", name=op.f("pk_contact_attributes")),
    )
    op.create_table(
        "contact_tags",
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_contact_tags_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", "tag", name=op.f("pk_contact_tags")),
    )
    op.create_index("ix_contact_tags_tag", "contact_tags", ["tag"], unique=False)
    op.create_table(
        "enrollments",
        sa.Column("id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("address_id", Id(), nullable=False),
        sa.Column("scenario_id", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=64), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("hold", sa.String(length=12), nullable=True),
        sa.Column("position", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_message_id", sa.String(length=120), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("base_at", UtcDateTime(), nullable=False),
        sa.Column("last_sent_at", UtcDateTime(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("waiting_for", sa.String(length=120), nullable=True),
        sa.Column("wait_until", UtcDateTime(), nullable=True),
        sa.Column("early_action", sa.String(length=120), nullable=True),
        sa.Column("turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("recheck", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("resends", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("pace_key", sa.String(length=80), nullable=False),
        sa.Column("queue_priority", sa.SmallInteger(), nullable=True),
        sa.Column("queue_due_us", sa.BigInteger(), nullable=True),
        sa.Column("context", Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["addresses.id"],
            name=op.f("fk_enrollments_address_id_addresses"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_enrollments_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollments")),
        sa.UniqueConstraint(
            "contact_id",
            "scenario_id",
            "run",
            name=op.f("uq_enrollments_contact_id_scenario_id_run"),
        ),
        postgresql_with={"fillfactor": 85},
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_enrollments_held",
        "enrollments",
        ["scenario_id", "hold", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'active' AND hold IS NOT NULL"),
        postgresql_where=sa.text("status = 'active' AND hold IS NOT NULL"),
    )
    op.create_index(
        "ix_enrollments_scenario", "enrollments", ["scenario_id", "status", "id"], unique=False
    )
    op.create_index(
        "uq_enrollments_active_lane",
        "enrollments",
        ["contact_id", "lane"],
        unique=True,
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    )
