"""/health: whether the service can do its work, for monitoring."""

import asyncio

import msgspec
from litestar.handlers import HTTPRouteHandler

from djangobot.db import state
from djangobot.db.clock import utc_now
from djangobot.db.delivery import outbox, quotas
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


@HTTPRouteHandler("/health", http_method=["GET", "HEAD"], status_code=200)
async def health(request: Call) -> Answer:
    config = state_of(request.scope).config
    telegram = config.telegram()
    wrong = [] if telegram in ("connected", "standby", "off") else ["Telegram is not connected."]
    now = utc_now()
    database, overdue = "ok", None
    try:
        due = await asyncio.wait_for(outbox.oldest_due(now), PATIENCE)
        overdue = None if due is None else round(max(0.0, (now - due).total_seconds()), 3)
    except (DatabaseUnavailable, TimeoutError):
        database = "unavailable"
        wrong.insert(0, "The database does not answer.")
    else:
        try:
            await asyncio.wait_for(state.probe(now), PATIENCE)
            quotas.check_disk()
        except DiskNearlyFull as exc:
            wrong.insert(0, str(exc))
        except (DatabaseUnavailable, TimeoutError):
            database = "read-only"
            wrong.insert(0, "The database takes no writes.")
    found = Health(" ".join(wrong) or "ok", database, telegram, overdue, config.version)
    if wrong:
        return answer(found, 503, {"retry-after": str(BUSY_RETRY)})
    return answer(found)
