"""Forgetting: everything kept about a person, counted, and deleted for good."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import structlog

from djangobot.db import purge
from djangobot.db.delivery import outbox, wakeups
from djangobot.db.engine import Row, current

log = structlog.get_logger(__name__)


class StoredCounts(msgspec.Struct, frozen=True):
    """How much there is; `tokens`: those that may still write. `recorded`: lines of the audit with this
    person's number, which stay, and so does their place among the admins (`appointed`)."""

    tokens: int
    messages: int
    waiting: int
    recorded: int = 0
    appointed: int = 0


STORED_COUNTS = """
SELECT (SELECT COUNT(*) FROM bot_token t WHERE t.chat = $1 AND t.revoked IS NULL
        AND (t.expires IS NULL OR t.expires > $2)) AS tokens,
       (SELECT COUNT(*) FROM message m WHERE m.chat = $1 AND m.kind = 'message') AS messages,
       (SELECT COUNT(*) FROM message m WHERE m.chat = $1 AND m.kind = 'message'
        AND m.status IN ('queued', 'sending', 'uncertain')) AS waiting,
       (SELECT COUNT(*) FROM audit
        WHERE who = $1 OR target IN ($3::varchar, 'chat ' || $3::varchar)) AS recorded,
       (SELECT COUNT(*) FROM admin WHERE chat = $1) AS appointed
"""


async def stored_counts(chat_id: int, now: datetime) -> StoredCounts:
    """What a person is shown before they decide."""
    rows = await current().fetch(STORED_COUNTS, chat_id, now, str(chat_id))
    return StoredCounts(**rows[0])


async def erase(chat_id: int, now: datetime | None = None) -> None:
    """Deletes everything of this person: tokens, messages with what is found of them, codes, searches, mutes,
    settings, the person. Again does no more. Who waits for a message to be delivered hears that it is
    canceled.

    A banned person stays banned: of them the number is kept, and nothing else.
    """
    async with current().write():
        gone = await erase_in_transaction(chat_id, now or datetime.now(UTC))
    await notify_canceled(gone, outbox.FORGOTTEN)


async def erase_in_transaction(chat_id: int, now: datetime) -> list[str]:
    """The same for the caller to commit, and to `tell` of these messages then."""
    engine = current()
    # A token first: whoever is just accepting a message with it is through by then, or is refused.
    await engine.execute("UPDATE bot_token SET revoked = created WHERE chat = $1", chat_id)
    gone = await engine.execute("DELETE FROM message WHERE chat = $1 RETURNING public_id, status", chat_id)
    await engine.execute("DELETE FROM bot_token WHERE chat = $1", chat_id)
    for table in ("code", "chore", "mute", "search"):
        await engine.execute(f"DELETE FROM {table} WHERE chat = $1", chat_id)  # noqa: S608 - ours
    await engine.execute("DELETE FROM chat WHERE id = $1 AND banned IS NULL", chat_id)
    await engine.execute(
        "UPDATE chat SET access_hash = 0, first_name = '', last_name = '', username = '', language = '',"
        " settings = '{}', asked = NULL, asked_at = NULL WHERE id = $1",
        chat_id,
    )
    await purge.note()
    log.info("person forgotten", messages=len(gone))
    await outbox.recall(now)
    return unsettled(gone)


def unsettled(gone: Sequence[Row]) -> list[str]:
    """Of deleted messages those that somebody may wait for."""
    return [str(row["public_id"]) for row in gone if row["status"] in ("queued", "sending")]


async def notify_canceled(public_ids: Sequence[str], reason: str) -> None:
    """Whoever waits for one of these hears that it is canceled, and why; the deliverer lets go of them."""
    for public_id in public_ids:
        wakeups.notify_settled(public_id, "canceled", reason)
    await outbox.obey()
