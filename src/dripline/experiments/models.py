"""Tables of experiments: who was assigned what, what came of it, and which variant has won."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base

HOLDOUT = "holdout"

_OPEN = text("converted_at IS NULL")


class Assignment(Base):
    """A contact's variant of an experiment: chosen once, and kept.

    It is stored in the transaction that decides about the message, so `assigned_at` is also the
    moment from which the goal is watched.
    """

    __tablename__ = "experiment_assignments"

    experiment_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    contact_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    )
    variant: Mapped[str] = mapped_column(String(64))
    assigned_at: Mapped[datetime]
    converted_at: Mapped[datetime | None]

    __table_args__ = (
        # What an event looks for: experiments of this contact whose goal is still open.
        Index(
            "ix_experiment_assignments_open",
            "contact_id",
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        {"sqlite_with_rowid": False},
    )


class Verdict(Base):
    """An experiment that is decided: from then on everybody new gets the winner."""

    __tablename__ = "experiment_verdicts"

    experiment_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    variant: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(80))
