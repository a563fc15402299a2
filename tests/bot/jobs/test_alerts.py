"""Alerts: once for each cause, and that it is over."""

import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from djangobot import __version__
from djangobot.bot.jobs.alerts import ATTACK, ATTACK_WITHIN, COOL_DOWN, STUCK_AFTER, Alerts, Memory
from djangobot.bot.settings import Settings
from djangobot.bot.telegram import error_meanings
from djangobot.bot.telegram.error_meanings import ended_sessions
from djangobot.bot.telegram.errors import AnswerLost
from djangobot.bot.telegram.gateway import Peer
from djangobot.bot.telegram.text import Text
from djangobot.db import metrics, state
from djangobot.db.admin import admins
from djangobot.db.conf import close_database, open_database
from djangobot.db.delivery import claims, outbox, outcomes, settlement
from djangobot.db.engine import current
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chats, codes, guesses
from djangobot.db.programs import accounts

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
ROOT = 5_000_000_001
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
Usage = namedtuple("Usage", "total used free")


class Telegram:
    """Writes down what it is told to say; `lost` while it can't be reached."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.lost = False

    async def send(self, peer: Peer, text: Text, random_id: int) -> int:
        assert peer.id == ROOT
        if self.lost:
            raise AnswerLost("away")
        self.said.append(text.text)
        return len(self.said)


class Watch:
    """Alerts on a fresh database with one admin, and a clock that is moved."""

    def __init__(self, data: Path) -> None:
        self.telegram = Telegram()
        self.time = NOW
        self.data = data
        self.begin()

    def begin(self, memory: Memory | None = None) -> None:
        """As after a restart; with a memory, as when the same process leads again."""
        settings = Settings(database_url="", data=self.data, admins=(ROOT,))
        self.alerts = Alerts(self.telegram, settings, lambda: self.time, memory)  # type: ignore[arg-type]

    async def poll(self, later: timedelta = SECOND) -> list[str]:
        """What is said in one look, so much later."""
        self.time += later
        self.telegram.said.clear()
        await self.alerts.poll()
        return list(self.telegram.said)


@pytest.fixture
async def watch(database: None, tmp_path: Path) -> Watch:
    await chats.meet(
        ROOT, access_hash=1, first_name="Root", last_name="", username="", language="en", now=NOW
    )
    ended_sessions()  # those of tests before this one
    return Watch(tmp_path)


async def due(moment: datetime) -> None:
    """A message that is due since then."""
    account = await accounts.register("Fedor", "fedor", "password1234", NOW)
    chat = await chats.get(ROOT)
    assert chat
    await codes.redeem(account, await codes.issue(chat, moment), moment)


async def test_a_stuck_delivery_is_told_once_and_when_it_is_over(watch: Watch) -> None:
    """Not again within the cool-down, nor by the next process; after it again."""
    assert await watch.poll() == []
    await due(watch.time)
    assert await watch.poll(STUCK_AFTER) == []
    (said,) = await watch.poll()
    assert "stuck" in said
    assert await watch.poll() == []
    watch.begin()
    assert await watch.poll() == []
    claimed = await claims.claim(watch.time, limit=9)
    await settlement.settle([outcomes.Sent(message, 1) for message in claimed], watch.time)
    assert await watch.poll() == ["Delivery works again."]
    await outbox.add_notice("digest", ROOT, watch.time - STUCK_AFTER, text='{"shares":[]}')
    assert await watch.poll() == []
    assert len(await watch.poll(COOL_DOWN)) == 1


async def test_a_paused_delivery_is_not_stuck(watch: Watch) -> None:
    """An admin wanted it so."""
    await due(watch.time)
    await state.put("paused", True, watch.time)
    assert await watch.poll(STUCK_AFTER * 2) == []


async def test_what_could_not_be_told_is_told_later(watch: Watch) -> None:
    """When Telegram can be reached again, if it is still so."""
    await due(watch.time)
    watch.telegram.lost = True
    assert await watch.poll(STUCK_AFTER * 2) == []
    watch.telegram.lost = False
    assert len(await watch.poll()) == 1


async def test_a_database_that_fails_is_told_without_it(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the admins known before; not at the first failure."""
    assert await watch.poll() == []

    async def fail(*_: Any, **__: Any) -> Any:
        raise DatabaseUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(state, "get", fail)
        patch.setattr(state, "put", fail)
        patch.setattr(admins, "every", fail)
        assert await watch.poll() == []
        (said,) = await watch.poll()
        assert "database does not answer" in said
        assert await watch.poll() == []
    assert await watch.poll() == ["The database answers again."]


@pytest.mark.parametrize("same", [True, False])
async def test_a_database_that_ended_the_leadership_is_told_of_and_when_it_is_over(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    """By the process that led; that it is over by whoever leads then, the same process or another."""
    monkeypatch.setattr("djangobot.bot.jobs.alerts.CHECK_EVERY", 0)
    assert await watch.poll() == []
    memory = watch.alerts.memory
    await close_database()
    watch.telegram.said.clear()
    await watch.alerts.last_check()
    (said,) = watch.telegram.said
    assert "database does not answer" in said
    with pytest.raises(DatabaseUnavailable):
        await memory.save(watch.time)
    await open_database(f"sqlite:///{watch.data}/djangobot.sqlite")
    await memory.save(watch.time)
    watch.begin(memory if same else None)
    assert await watch.poll() == ["The database answers again."]
    assert await watch.poll() == []


async def test_who_leads_no_more_while_the_database_answers_says_nothing(watch: Watch) -> None:
    """Another process leads."""
    watch.telegram.said.clear()
    await watch.alerts.last_check()
    assert watch.telegram.said == []


async def test_guessing_is_told_of_until_it_ends(watch: Watch) -> None:
    """Refused attempts alone count, those of the last minutes."""
    await watch.poll()
    metrics.refused.labels("code").inc(ATTACK - 1)
    assert await watch.poll() == []
    metrics.refused.labels("sign_in").inc()
    (said,) = await watch.poll()
    assert "guessing" in said
    assert await watch.poll() == []
    assert await watch.poll(ATTACK_WITHIN * 2) == ["The guessing has ended."]


async def test_a_nearly_full_disk_is_told_of(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """By room and by part: a small disk is not always nearly full."""
    free = 1 << 20
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, free))
    (said,) = await watch.poll()
    assert "nearly full" in said
    free = 1 << 31
    assert await watch.poll() == ["There is room on the disk again."]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free, 0, free // 10))
    assert await watch.poll(COOL_DOWN) == []


async def test_what_nobody_can_be_told_is_in_the_log_once(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time it begins; a service without admins would else repeat it every two seconds."""
    watch.telegram.lost = True
    for _ in range(2):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 << 30, (100 << 30) - 1000, 1000))
        with capture_logs() as logged:
            for _ in range(3):
                await watch.poll()
        assert [line["cause"] for line in logged if line["event"] == "alert"] == ["disk"]
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 << 30, 0, 100 << 30))
        await watch.poll()


async def test_a_new_version_is_told_of_once(watch: Watch) -> None:
    """Not the first there is."""
    assert await watch.poll() == []
    await state.put("version", "0.0.1", NOW)
    (said,) = await watch.poll()
    assert __version__ in said
    assert "0.0.1" in said
    assert await watch.poll() == []


async def test_a_session_that_telegram_ended_is_told_of_once_it_can_be(watch: Watch) -> None:
    """With Telegram's word for it; not again within the hour."""
    await watch.poll()
    error_meanings.session_ended("USER_DEACTIVATED")
    watch.telegram.lost = True
    assert await watch.poll() == []
    watch.telegram.lost = False
    (said,) = await watch.poll()
    assert "USER_DEACTIVATED" in said
    error_meanings.session_ended("SESSION_REVOKED")
    assert await watch.poll() == []


async def test_wrong_codes_that_use_up_what_all_may_try_are_told_of_once(watch: Watch) -> None:
    """And that it is over, a day later."""
    assert await watch.poll() == []
    spend = "INSERT INTO wrong_code (time, cost, network) VALUES ($1, $2, '')"
    await current().execute(spend, watch.time, guesses.OF_ALL)
    assert await watch.poll() == []
    await current().execute(spend, watch.time, 1)
    assert [text.splitlines()[0][:26] for text in await watch.poll()] == ["Somebody is trying codes. "]
    assert await watch.poll() == []
    watch.begin()
    assert await watch.poll() == []
    assert [text[:27] for text in await watch.poll(guesses.DAY)] == ["Nobody tries codes any more"]


def test_each_change_is_reported_once() -> None:
    """That a cause holds, and that it is over; nothing in between."""
    memory = Memory()
    assert not memory.is_due("disk", False, NOW)
    assert memory.is_due("disk", True, NOW)
    memory.note("disk", True, NOW)
    assert not memory.is_due("disk", True, NOW + COOL_DOWN)
    assert memory.is_due("disk", False, NOW + MINUTE)
    memory.note("disk", False, NOW + MINUTE)
    assert not memory.is_due("disk", False, NOW + MINUTE)


def test_a_cause_that_comes_back_soon_is_not_reported_again() -> None:
    """The hour counts from the report that it holds, not from the one that it is over."""
    memory = Memory()
    memory.note("disk", True, NOW)
    memory.note("disk", False, NOW + MINUTE)
    assert not memory.is_due("disk", True, NOW + COOL_DOWN - MINUTE)
    assert memory.is_due("disk", True, NOW + COOL_DOWN)


async def test_the_next_process_knows_what_was_reported(database: None) -> None:
    """What was noted while the database was away is stored later."""
    memory = Memory()
    memory.note("database", True, NOW)
    await memory.save(NOW + MINUTE)
    another = Memory()
    await another.recall()
    assert another.last == {"database": memory.last["database"]}
    assert another.is_due("database", False, NOW + MINUTE)
