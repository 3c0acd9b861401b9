"""The usual redirect: a FastAPI handler that commits a row per click.

python bench/peers/click_rows.py sqlite+aiosqlite:////tmp/x.db
"""

import asyncio
import socket
import sys
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from itsdangerous import URLSafeSerializer
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

KEY = "only-for-the-bench"


class Base(DeclarativeBase):
    pass


class Click(Base):
    __tablename__ = "clicks"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    contact: Mapped[int]
    url: Mapped[str]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]


async def main(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine)
    signer = URLSafeSerializer(KEY)
    app = FastAPI()

    @app.get("/r/{token}")
    async def follow(token: str, request: Request) -> Any:
        contact, target = signer.loads(token)
        client = request.client.host if request.client else None
        async with sessions() as session:
            session.add(
                Click(
                    at=datetime.now(UTC),
                    contact=contact,
                    url=target,
                    ip=client,
                    user_agent=request.headers.get("user-agent"),
                )
            )
            await session.commit()
        return RedirectResponse(target, 302)

    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
