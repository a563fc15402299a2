"""GET /health: can the service do its work."""

import asyncio
import sqlite3
from datetime import datetime

import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import conf, migrate, state
from djangobot.db.delivery import outbox
from djangobot.db.delivery.limits import disk_floor, quotas
from djangobot.db.engine import current
from djangobot.db.engine.sqlite import SQLiteEngine
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


async def test_a_database_that_takes_no_write_is_503_though_it_can_be_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the lock: the service lives, and is not ready."""
    assert (await api.client.get("/health")).status_code == 200
    oldest_due = outbox.oldest_due

    async def read(now: datetime) -> datetime | None:
        due = await oldest_due(now)
        monkeypatch.setattr(health, "PATIENCE", 0.05)  # for the write alone
        return due

    monkeypatch.setattr(state, "PROBE_EVERY", 0.0)
    monkeypatch.setattr(health, "PATIENCE", PATIENCE)
    engine = current()
    assert isinstance(engine, SQLiteEngine)
    other = sqlite3.connect(engine.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "oldest_due", read)
        answer = await api.client.get("/health")
    monkeypatch.setattr(health, "PATIENCE", PATIENCE)
    assert (answer.status_code, answer.json()["answer"]) == (503, "The database takes no writes.")
    assert answer.json()["database"] == "read-only"
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(PATIENCE):
        while (await api.client.get("/health")).status_code != 200:
            pass


@pytest.fixture
async def on_postgresql(postgresql_server: str) -> str:
    """The server's database, with our tables."""
    await conf.open_database(postgresql_server)
    await migrate.run()
    await conf.close_database()
    return postgresql_server


async def test_on_a_replica_it_is_503(on_postgresql: str, replica: str, api: Api) -> None:
    """A server that was the primary when the process started, and is a standby after a failover."""
    await conf.close_database()
    await conf.open_database(replica)
    answer = await api.client.get("/health")
    assert (answer.status_code, answer.json()["answer"]) == (503, "The database takes no writes.")
    assert answer.json()["database"] == "read-only"


async def test_too_much_that_waits_is_429_and_too_little_disk_503(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the bound; what is short is said by /health, too."""
    token = await api.bot_token(await api.access())
    quotas.bound(quotas.Bounds(messages=1))
    try:
        assert (await api.send(token)).status_code == 202
        refused = await api.send(token)
        assert refused.status_code == 429
        assert "at most 1 messages" in refused.json()["answer"]
        assert int(refused.headers["retry-after"]) >= 1
        quotas.bound(quotas.Bounds())
        disk_floor.configure(2**62)
        refused = await api.send(token)
        assert (refused.status_code, (await api.client.get("/health")).status_code) == (503, 503)
        assert "nearly full" in refused.json()["answer"]
    finally:
        quotas.bound(quotas.Bounds())
        disk_floor.configure()


async def test_live_asks_nobody_and_ready_asks_the_database_alone(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart would not bring back a database, and messages are accepted without Telegram."""
    api.telegram.state = "connecting"
    ready = await api.client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (
        200,
        {"answer": "ok", "database": "ok", "version": "0.0.test"},
    )

    async def away(_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(outbox, "oldest_due", away)
    ready, live = await api.client.get("/health/ready"), await api.client.get("/health/live")
    assert (ready.status_code, ready.json()["database"]) == (503, "unavailable")
    assert int(ready.headers["retry-after"]) >= 1
    assert (live.status_code, live.json()) == (200, {"answer": "ok", "version": "0.0.test"})
