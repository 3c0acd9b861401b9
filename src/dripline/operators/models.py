"""Tables of operators: a conversation that is under way, and work it asked for."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, SmallInteger, String
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
