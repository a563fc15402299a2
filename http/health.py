"""/health: whether the service can do its work, for monitoring. /health/live is for what restarts a process,
/health/ready for what sends requests to it."""

import asyncio
from datetime import datetime
from typing import NamedTuple

import msgspec
from litestar.handlers import HTTPRouteHandler

from djangobot.db import state
from djangobot.db.clock import utc_now
from djangobot.db.delivery import outbox
from djangobot.db.delivery.limits import disk_floor
from djangobot.db.errors import DatabaseUnavailable, DiskNearlyFull
from djangobot.http.errors import BUSY_RETRY
from djangobot.http.responses import Answer, Call, answer
from djangobot.http.state import state_of

PATIENCE = 2.0
"""Seconds within which the database must answer a query of the outbox."""


class Health(msgspec.Struct):
    """`database` is "ok", "read-only" (no write succeeds) or "unavailable". `telegram` is "connected",
    "connecting", "standby" (another process delivers) or "off" (no bot in this process); the last two are
    fine."""

    answer: str
    database: str
    telegram: str
    oldest_due_seconds: float | None
    version: str


class Alive(msgspec.Struct):
    """The process answers."""

    answer: str
    version: str


class Ready(msgspec.Struct):
    """`database` as in `Health`."""

    answer: str
    database: str
    version: str


class Found(NamedTuple):
    """What the database has answered: its state, what is wrong, and since when a message is due."""

    database: str
    wrong: str = ""
    due: datetime | None = None


@HTTPRouteHandler("/health/live", http_method=["GET", "HEAD"], status_code=200)
async def live(request: Call) -> Answer:
    """The process answers. It asks nobody: a restart would not help against what is wrong elsewhere."""
    return answer(Alive("ok", state_of(request.scope).config.version))


@HTTPRouteHandler("/health/ready", http_method=["GET", "HEAD"], status_code=200)
async def ready(request: Call) -> Answer:
    """Messages are accepted here. That does not need Telegram."""
    found = await _ask_database(utc_now())
    shown = Ready(found.wrong or "ok", found.database, state_of(request.scope).config.version)
    return _answer(shown, well=not found.wrong)


@HTTPRouteHandler("/health", http_method=["GET", "HEAD"], status_code=200)
async def health(request: Call) -> Answer:
    config = state_of(request.scope).config
    telegram = config.telegram()
    now = utc_now()
    found = await _ask_database(now)
    overdue = None if found.due is None else round(max(0.0, (now - found.due).total_seconds()), 3)
    wrong = [found.wrong] if found.wrong else []
    if telegram not in ("connected", "standby", "off"):
        wrong.append("Telegram is not connected.")
    shown = Health(" ".join(wrong) or "ok", found.database, telegram, overdue, config.version)
    return _answer(shown, well=not wrong)


async def _ask_database(now: datetime) -> Found:
    try:
        async with asyncio.timeout(PATIENCE):
            due = await outbox.oldest_due(now)
    except (DatabaseUnavailable, TimeoutError):
        return Found("unavailable", "The database does not answer.")
    try:
        async with asyncio.timeout(PATIENCE):
            await state.probe(now)
        disk_floor.check()
    except DiskNearlyFull as exc:
        return Found("ok", str(exc), due)
    except (DatabaseUnavailable, TimeoutError):
        return Found("read-only", "The database takes no writes.", due)
    return Found("ok", due=due)


def _answer(shown: Ready | Health, *, well: bool) -> Answer:
    return answer(shown) if well else answer(shown, 503, {"retry-after": str(BUSY_RETRY)})
