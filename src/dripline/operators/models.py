"""Tables of operators: what is under way in chats, keys of the API, what was changed."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base


class Wizard(Base):
    """What an admin is creating or editing in a chat with a bot; one thing at a time."""

    __tablename__ = "wizards"

    bot: Mapped[str] = mapped_column(String(40), primary_key=True)
    telegram_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    draft: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    __table_args__ = (Index("ix_wizards_expires_at", "expires_at"),)


class AdminJob(Base):
    """Something an admin waits for that no transaction may do: fetch a file, count a lot."""

    __tablename__ = "admin_jobs"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    bot: Mapped[str] = mapped_column(String(40))
    telegram_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))
    detail: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(SmallInteger)
    due_at: Mapped[datetime]


class ApiKey(Base):
    """A key of the API. What is kept is its hash; `prefix` finds the row and may be shown."""

    __tablename__ = "api_keys"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(String(16))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    role: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(120))
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("prefix"),)


class AuditEntry(Base):
    """Who changed what, and when. `fields` names what was given, not its values: they may be
    personal, and are erased elsewhere.
    """

    __tablename__ = "audit_log"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(160))
    role: Mapped[str] = mapped_column(String(10))
    action: Mapped[str] = mapped_column(String(200))
    target: Mapped[str] = mapped_column(String(400))
    request_id: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(64))
    fields: Mapped[list[Any]]


class KeptAnswer(Base):
    """What was answered to a request with an idempotency key, to be answered again."""

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)
