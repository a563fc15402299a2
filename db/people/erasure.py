"""Erasure: counts everything that is kept about a person, and deletes it for good."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import structlog

from djangobot.db.clock import utc_now
from djangobot.db.delivery import outcomes, removal
from djangobot.db.delivery.heads import ALL_UNSETTLED
from djangobot.db.delivery.pubsub import recalls, waiters
from djangobot.db.engine import Row, current

log = structlog.get_logger(__name__)


class StoredCounts(msgspec.Struct, frozen=True):
    """How much is stored. `tokens`: those that may still write. `recorded`: audit entries with this person's
    number; these stay. Their place among the admins (`appointed`) stays too."""

    tokens: int
    messages: int
    waiting: int
    recorded: int = 0
    appointed: int = 0


# ruff: noqa: S608 - from our own SQL.
# What waits is counted by the indexes of just these messages.
STORED_COUNTS = f"""
SELECT (SELECT COUNT(*) FROM bot_token t WHERE t.chat = $1 AND t.revoked IS NULL
        AND (t.expires IS NULL OR t.expires > $2)) AS tokens,
       (SELECT COUNT(*) FROM message m WHERE m.chat = $1 AND m.kind = 'message') AS messages,
       (SELECT COUNT(*) FROM message m WHERE m.chat = $1 AND {ALL_UNSETTLED}
        AND m.kind || '' = 'message')
       + (SELECT COUNT(*) FROM message m WHERE m.chat = $1 AND m.status = 'scheduled'
          AND m.kind || '' = 'message')
       + (SELECT COUNT(*) FROM message m WHERE m.status IN ('failed', 'uncertain') AND m.status = 'uncertain'
          AND m.kind || '' = 'message' AND +m.chat = $1) AS waiting,
       (SELECT COUNT(*) FROM audit
        WHERE actor = $1 OR target IN ($3::varchar, 'chat ' || $3::varchar)) AS recorded,
       (SELECT COUNT(*) FROM admin WHERE chat = $1) AS appointed
"""
DELETE_MESSAGES = "DELETE FROM message WHERE chat = $1 RETURNING public_id, status"


async def stored_counts(chat_id: int, now: datetime) -> StoredCounts:
    """The counts that a person is shown before they decide."""
    rows = await current().fetch(STORED_COUNTS, chat_id, now, str(chat_id))
    return StoredCounts(**rows[0])


async def erase(chat_id: int, now: datetime | None = None) -> None:
    """Deletes everything of this person: tokens, messages and their search index, codes, searches, mutes,
    settings, the person. A second call does nothing more. A request that waits for a message learns that
    it is canceled.

    A banned person stays banned. Only their number is kept.
    """
    now = now or utc_now()
    await removal.of_chat(chat_id, now)
    async with current().write():
        gone = await erase_in_transaction(chat_id, now)
    await notify_canceled(gone, outcomes.FORGOTTEN)


async def erase_in_transaction(chat_id: int, now: datetime) -> list[str]:
    """The same in the caller's transaction. Before it, the caller removes what is settled (removal.py): that
    may be much. After the commit, the caller passes the returned messages to `notify_canceled`."""
    engine = current()
    # Tokens first: a message that is being accepted with one is committed by then, or refused.
    await engine.execute("UPDATE bot_token SET revoked = created WHERE chat = $1", chat_id)
    gone = await engine.execute(DELETE_MESSAGES, chat_id)
    await engine.execute("DELETE FROM bot_token WHERE chat = $1", chat_id)
    for table in ("code", "scheduled_job", "mute", "search"):
        await engine.execute(f"DELETE FROM {table} WHERE chat = $1", chat_id)
    await engine.execute("DELETE FROM chat WHERE id = $1 AND banned IS NULL", chat_id)
    await engine.execute(
        "UPDATE chat SET access_hash = 0, first_name = '', last_name = '', username = '', language = '',"
        " settings = '{}', question = NULL, question_at = NULL WHERE id = $1",
        chat_id,
    )
    await removal.have_purged(now)
    log.info("person forgotten")
    await recalls.record(now)
    return unsettled(gone)


def unsettled(gone: Sequence[Row]) -> list[str]:
    """Of deleted messages, those that somebody may wait for."""
    return [str(row["public_id"]) for row in gone if row["status"] in ("scheduled", "queued", "sending")]


async def notify_canceled(public_ids: Sequence[str], reason: str) -> None:
    """Tells waiters that these messages are canceled, and why. The worker drops them."""
    for public_id in public_ids:
        waiters.notify_settled(public_id, "canceled", reason)
    await recalls.apply()
