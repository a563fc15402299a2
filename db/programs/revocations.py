"""Revocations: a bot token ends at once, and what it has queued is canceled. The person in the chat can undo
that for a moment. What an account has revoked, nobody can undo."""

from datetime import datetime, timedelta

import structlog

from djangobot.db.delivery import outbox, scheduled_messages
from djangobot.db.delivery.heads import ALL_UNSETTLED
from djangobot.db.delivery.pubsub import waiters, wakeups
from djangobot.db.delivery.scheduled_messages import RESTORED
from djangobot.db.engine import current
from djangobot.db.errors import TokenNotFound

log = structlog.get_logger(__name__)

UNDO_FOR = timedelta(seconds=10)
"""How long a revocation can be undone in the chat."""
REASON = "token revoked"
# ruff: noqa: S608 - put together from constants.
OF_CHAT = "SELECT id FROM bot_token WHERE chat = $1 AND id = $2"
REVOKE = "UPDATE bot_token SET revoked = $3 WHERE id = $2 AND chat = $1 AND revoked IS NULL"
# Uses the indexes of unsettled and of scheduled messages, as `outbox.CANCEL` does.
CANCEL = f"""
UPDATE message SET status = 'canceled', failure = '{REASON}'
WHERE chat = $1 AND {ALL_UNSETTLED.replace("m.", "")} AND status = 'queued'
  AND kind || '' IN ('message', 'edit') AND +token = $2
RETURNING public_id
"""
CANCEL_SCHEDULED = f"""
UPDATE message SET status = 'canceled', failure = '{REASON}'
WHERE chat = $1 AND status = 'scheduled' AND +token = $2
RETURNING public_id
"""
UNDO = "UPDATE bot_token SET revoked = NULL WHERE id = $2 AND chat = $1 AND revoked > $3 RETURNING id"
RESTORE = f"""
UPDATE message SET status = {RESTORED.format(now="$3")}, failure = NULL, next_attempt = $3
WHERE token = $1 AND +chat = $2 AND kind || '' IN ('message', 'edit') AND status = 'canceled'
  AND failure = '{REASON}'
RETURNING id
"""
REVOKE_ALL = """
UPDATE bot_token SET revoked = $3 WHERE account = $1 AND (expires IS NULL OR expires > $2)
AND (revoked IS NULL OR revoked > $3) RETURNING chat
"""


async def revoke(chat_id: int, token_id: int, now: datetime) -> None:
    """Revokes a token of this chat, and cancels its queued messages. A second call changes nothing.

    Raises TokenNotFound when the chat has no such token.
    """
    engine = current()
    async with engine.write():
        await engine.execute(REVOKE, chat_id, token_id, now)
        await _check(chat_id, token_id)
        canceled = await engine.execute(CANCEL, chat_id, token_id)
        canceled += await engine.execute(CANCEL_SCHEDULED, chat_id, token_id)
    for row in canceled:
        waiters.notify_settled(str(row["public_id"]), "canceled", REASON)
        log.debug("message canceled", id=str(row["public_id"]), chat=chat_id)
    log.info("bot token revoked", token_id=token_id, chat=chat_id, messages_canceled=len(canceled))


async def undo(chat_id: int, token_id: int, now: datetime) -> None:
    """Undoes a revocation within UNDO_FOR. The messages it canceled are queued again. Changes nothing later
    than that, or when there is nothing to undo. Raises TokenNotFound when the chat has no such token."""
    engine = current()
    async with engine.write():
        await _check(chat_id, token_id)
        undone = await engine.execute(UNDO, chat_id, token_id, now - UNDO_FOR)
        queued = await engine.execute(RESTORE, token_id, chat_id, now) if undone else []
    if undone:
        log.info("bot token restored", token_id=token_id, chat=chat_id, messages_queued=len(queued))
        wakeups.notify_due(chat_id)
        scheduled_messages.notify()


async def _check(chat_id: int, token_id: int) -> None:
    if not await current().execute(OF_CHAT, chat_id, token_id):
        raise TokenNotFound


async def revoke_all_in_transaction(
    account_id: int, account_name: str, now: datetime
) -> tuple[set[int], list[str]]:
    """Ends all bot tokens of an account and cancels their queued messages. The caller commits. Returns the
    chats, which are told and need a `notify_due` after the commit, and the messages."""
    # Dated a while ago, so that nobody in a chat can undo it.
    revoked = await current().execute(REVOKE_ALL, account_id, now, now - UNDO_FOR)
    canceled = await outbox.cancel_all(account_id, REASON)
    chats = {row["chat"] for row in revoked}
    await outbox.add_notices("tokens_revoked", sorted(chats), now, text=account_name)
    return chats, canceled
