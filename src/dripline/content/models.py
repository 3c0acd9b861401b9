"""Tables of content: immutable revisions, what is current, and files by their bytes."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base


class Revision(Base):
    """One saved state of a document: a scenario, the button sets, the globals; never changed."""

    __tablename__ = "content_revisions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(Integer)
    body: Mapped[dict[str, Any]]
    author: Mapped[str] = mapped_column(String(120))
    via: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]

    __table_args__ = (Index("uq_content_revisions", "kind", "key", "number", unique=True),)


class Document(Base):
    """Which revision of a document is current."""

    __tablename__ = "content_documents"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision_id: Mapped[uuid.UUID]
    number: Mapped[int] = mapped_column(Integer)
    deleted_at: Mapped[datetime | None]


class ScenarioSwitch(Base):
    """What an operator switches without making a revision: paused or not."""

    __tablename__ = "scenario_switches"

    scenario_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    paused_at: Mapped[datetime | None]


class ContentState(Base):
    """One row: the version that rises with every change of content."""

    __tablename__ = "content_state"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    default_scenario_id: Mapped[str | None] = mapped_column(String(64))


class MediaFile(Base):
    """A file of the content, by the SHA-256 of its bytes."""

    __tablename__ = "media"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    filename: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class MediaFileId(Base):
    """What a bot's Telegram calls a file."""

    __tablename__ = "media_file_ids"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bot: Mapped[str] = mapped_column(String(40), primary_key=True)
    file_id: Mapped[str] = mapped_column(String(256))


TABLES = tuple(
    model.__table__
    for model in (Revision, Document, ScenarioSwitch, ContentState, MediaFile, MediaFileId)
)
