"""Audit: which admin changed what, when, for whom, and the values before and after."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
import structlog
from piccolo.columns import BigInt, Text, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db.engine import current
from djangobot.db.engine.columns import SerialOnce

log = structlog.get_logger(__name__)


class Audit(Table, tablename="audit"):
    """`actor` is an admin's Telegram id, or 0 for the machine's command line. `before`, `after`: JSON."""

    id = SerialOnce(primary_key=True)
    time = Timestamptz()
    actor = BigInt()
    action = Varchar(length=64)
    target = Varchar(length=256)
    before = Text()
    after = Text()


class AuditEntry(msgspec.Struct, frozen=True):
    """One line of the audit."""

    id: int
    time: datetime
    actor: int
    action: str
    target: str
    before: str
    after: str


class Done:
    """Called when something was changed."""

    def __init__(self) -> None:
        self.was = False

    def __call__(self) -> None:
        self.was = True


RECORD = """
INSERT INTO audit (time, actor, action, target, before, after) VALUES ($1, $2, $3, $4, $5, $6)
"""
PAGE = """
SELECT id, time, actor, action, target, before, after FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2
"""
NEWEST = 2**62


async def record(actor: int, action: str, target: str, before: Any, after: Any, now: datetime) -> None:
    """Records a change. Call it in the transaction of the change, where there is one."""
    said = [msgspec.json.encode(value).decode() for value in (before, after)]
    await current().execute(RECORD, now, actor, action, target, *said)


@asynccontextmanager
async def audited(
    by: int, action: str, target: str, before: Any, after: Any, now: datetime
) -> AsyncIterator[Done]:
    """A transaction that ends with an audit entry, if something was changed."""
    done = Done()
    async with current().write():
        yield done
        if done.was:
            await record(by, action, target, before, after, now)
    if done.was:
        log.info("admin changed something", admin=by, action=action, target=target)


async def page(limit: int, before: int = NEWEST) -> list[AuditEntry]:
    """Returns entries, newest first. `before` is the id of the last entry on the previous page."""
    return [AuditEntry(**row) for row in await current().fetch(PAGE, before, limit)]
