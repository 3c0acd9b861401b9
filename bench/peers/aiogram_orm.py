"""The usual bot: aiogram, and SQLAlchemy's ORM with a commit per message, 64 at once.

python bench/peers/aiogram_orm.py http://127.0.0.1:8081 sqlite+aiosqlite:////tmp/x.db 10
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from sqlalchemy import ForeignKey, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_AT_ONCE = 64
_PEOPLE = 20_000


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    chat_id: Mapped[int]
    first_name: Mapped[str]
    step: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(index=True)


class Delivery(Base):
    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str]
    message_id: Mapped[int]
    sent_at: Mapped[datetime]


async def send(bot: Bot, sessions: async_sessionmaker[AsyncSession], user_id: int) -> None:
    async with sessions() as session:
        user = await session.get_one(User, user_id)
        text = f"Day one, {user.first_name}: <b>six jars</b> for your money."
        sent = await bot.send_message(user.chat_id, text, parse_mode="HTML")
        now = datetime.now(UTC).replace(tzinfo=None)
        user.step, user.due_at = user.step + 1, now + timedelta(days=1)
        session.add(Delivery(user_id=user.id, text=text, message_id=sent.message_id, sent_at=now))
        await session.commit()


async def run(base: str, url: str, seconds: float) -> float:
    engine = create_async_engine(url, connect_args={"timeout": 60} if "sqlite" in url else {})
    if "sqlite" in url:

        @event.listens_for(engine.sync_engine, "connect")
        def _prepare(connection: object, _entry: object) -> None:
            connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]

    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    past = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    async with sessions() as session:
        session.add_all(
            [User(chat_id=1_000_000 + n, first_name="Anna", due_at=past) for n in range(_PEOPLE)]
        )
        await session.commit()
        ids = list((await session.scalars(select(User.id).order_by(User.due_at))).all())
    bot = Bot("1:" + "a" * 35, AiohttpSession(api=TelegramAPIServer.from_base(base)))
    sent, began = 0, time.monotonic()

    async def worker() -> None:
        nonlocal sent
        while ids and time.monotonic() < began + seconds:
            await send(bot, sessions, ids.pop())
            sent += 1

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
    rate = sent / (time.monotonic() - began)
    await bot.session.close()
    await engine.dispose()
    return rate


if __name__ == "__main__":
    print(json.dumps({"rate": asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3])))}))
