"""GET /health: can the service do its work."""

import asyncio

import pytest

from djangobot.db import outbox
from djangobot.db.errors import DatabaseUnavailable
from djangobot.http import health

from .conftest import Api


@pytest.mark.parametrize("telegram", ["connected", "standby", "off"])
async def test_all_well_is_200(api: Api, telegram: str) -> None:
    """A process without the bot is well, too."""
    api.telegram.state = telegram
    answer = await api.client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "answer": "ok",
        "database": "ok",
        "telegram": telegram,
        "oldest_due_seconds": None,
        "version": "0.0.test",
    }


async def test_the_oldest_due_message_has_an_age(api: Api) -> None:
    """From when it fell due, null when nothing waits."""
    token = await api.bot_token(await api.access())
    await api.deliver()
    await api.send(token)
    assert (await api.client.get("/health")).json()["oldest_due_seconds"] >= 0
    await api.deliver()
    assert (await api.client.get("/health")).json()["oldest_due_seconds"] is None


async def test_without_telegram_it_is_503(api: Api) -> None:
    """Messages are accepted, but none arrives."""
    api.telegram.state = "connecting"
    answer = await api.client.get("/health")
    assert (answer.status_code, answer.json()["answer"]) == (503, "Telegram is not connected.")
    assert answer.json()["telegram"] == "connecting"
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("hangs", [True, False])
async def test_without_the_database_it_is_503(api: Api, monkeypatch: pytest.MonkeyPatch, hangs: bool) -> None:
    """Whether it refuses or does not answer at all."""

    async def away(_: object) -> None:
        if hangs:
            await asyncio.Event().wait()
        raise DatabaseUnavailable

    monkeypatch.setattr(outbox, "oldest_due", away)
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    answer = await api.client.get("/health")
    assert (answer.status_code, answer.json()["answer"]) == (503, "The database does not answer.")
    assert answer.json()["database"] == "unavailable"
