"""Pressed buttons are answered beside everything else, and nothing depends on it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from dripline.bot.answers import TelegramAnswers
from dripline.clients.telegram import TelegramClient
from scripted_server import ScriptedServer, drop, hang, ok, refusal


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(default=ok(True)) as server:
        yield server


@pytest.fixture
async def answers(server: ScriptedServer) -> AsyncIterator[TelegramAnswers]:
    client = TelegramClient(server.url, "1:secret")
    yield TelegramAnswers({"main": client})
    await client.close()


async def test_answers_each(server: ScriptedServer, answers: TelegramAnswers) -> None:
    answers.answer("main", ["a", "b"])
    await answers.close()
    assert sorted(request.json["callback_query_id"] for request in server.requests) == ["a", "b"]
    assert set(server.methods()) == {"answerCallbackQuery"}


async def test_does_not_make_anybody_wait(server: ScriptedServer, answers: TelegramAnswers) -> None:
    answers.answer("main", ["a"])
    assert server.requests == []
    await answers.close()


async def test_a_failure_is_noted_and_that_is_all(
    server: ScriptedServer, answers: TelegramAnswers
) -> None:
    too_old = refusal(400, "Bad Request: query is too old and response timeout expired")
    server.script = [too_old, drop]
    with capture_logs() as logs:
        answers.answer("main", ["a", "b"])
        await answers.close()
    assert [log["event"] for log in logs] == ["callback.not_answered"] * 2
    assert "secret" not in str(logs)


async def test_a_bot_that_is_gone_answers_nothing(
    server: ScriptedServer, answers: TelegramAnswers
) -> None:
    answers.answer("another", ["a"])
    answers.answer("main", [])
    await asyncio.sleep(0)
    await answers.close()
    assert server.requests == []


async def test_a_stop_does_not_wait_for_an_answer_that_takes_long(
    server: ScriptedServer, answers: TelegramAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dripline.bot.answers._LAST_S", 0.01)
    server.script = [hang]
    answers.answer("main", ["a"])
    await answers.close()
