"""Whether everything a process needs is in order, by the checks it was given."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from dripline.api.ports import Check
from dripline.errors import DriplineError

CHECK_SECONDS = 3.0


async def readiness(checks: Mapping[str, Check]) -> tuple[int, dict[str, Any]]:
    """Return a status, 200 or 503, and what each check says."""
    answers = await asyncio.gather(*(_answer(check) for check in checks.values()))
    wrong = any(answers)
    results = {name: answer or "ok" for name, answer in zip(checks, answers, strict=True)}
    return 503 if wrong else 200, {"status": "not ready" if wrong else "ready", "checks": results}


async def _answer(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except DriplineError as error:
        return error.message
    except (OSError, SQLAlchemyError) as error:
        return f"cannot be reached ({type(error).__name__})"
