"""python-telegram-bot's JobQueue: jobs in memory, due evenly within some seconds.

    python bench/peers/job_queue.py http://127.0.0.1:8081 10000 10

Prints how many jobs ran, how late they were, and the memory with all of them waiting.
"""

import asyncio
import json
import logging
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
from telegram.ext import Application, ContextTypes

_TOKEN = "1:" + "a" * 35


async def run(base: str, jobs: int, seconds: float) -> dict[str, Any]:
    application = Application.builder().token(_TOKEN).base_url(f"{base}/bot").build()
    assert application.job_queue is not None
    late: list[float] = []

    async def send(context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.job is not None
        chat, due = context.job.data  # type: ignore[misc]
        await context.bot.send_message(chat, "Day one, Anna: six jars for your money.")
        late.append(time.time() - due)

    await application.initialize()
    await application.start()
    first = datetime.now(UTC) + timedelta(seconds=5 + jobs / 2_000)
    for number in range(jobs):
        due = first + timedelta(seconds=seconds * number / jobs)
        application.job_queue.run_once(
            send, due, data=(1_000_000 + number, due.timestamp()), name=str(number)
        )
    memory = psutil.Process().memory_info().rss / 1e6
    if seconds < 3600:
        end = first.timestamp() + seconds
        before = -1
        while time.time() < end or len(late) != before:  # until nothing more comes
            before = len(late)
            await asyncio.sleep(2.0)
    late.sort()
    took = max((first.timestamp() + seconds, time.time())) - first.timestamp()
    await application.job_queue.stop(wait=False)
    return {
        "jobs": jobs,
        "ran": len(late),
        "rate": len(late) / took,
        "p99_s": late[int(len(late) * 0.99)] if late else None,
        "memory_mb": memory,
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(asyncio.run(run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
    sys.stdout.flush()
    # Jobs that still wait would keep the process; the figures are printed.
    import os

    os._exit(0)
