"""Deletions: a sender takes a message back.

What was not sent is canceled. What is in the chat, or may be, is deleted there by a job, in whatever process
delivers. The id of an edit stands for the message that it changes, unless the edit itself was not sent.
"""

import asyncio
from datetime import datetime

import msgspec
import structlog

from djangobot.db.clock import utc_now
from djangobot.db.delivery import scheduled
from djangobot.db.delivery.heads import COMING_EDITS, SENDING
from djangobot.db.delivery.outcomes import CANCELED_BY_SENDER, telegram_ids_of
from djangobot.db.delivery.pubsub import changes, waiters, wakeups
from djangobot.db.engine import Row, current
from djangobot.db.errors import ChatBanned, DeletionRefused, MessageNotFound, MessageNotInChat
from djangobot.db.messages import tags
from djangobot.db.messages.messages import WITH_ROOT, is_uuid
from djangobot.db.programs import tokens

log = structlog.get_logger(__name__)

MAY_BE_IN_CHAT = ("sent", "sending", "queued")
AGAIN_AFTER, AGAIN_AT_LAST = 1.0, 60.0
"""Seconds until the job of a message that is being sent runs again, at first and after a while."""

# ruff: noqa: S608 - the statements below are put together from constants.
FIND = f"""
SELECT m.id AS id, m.public_id AS public_id, m.status AS status, m.first_attempt AS first_attempt,
       m.is_edit AS is_edit, r.id AS root, r.public_id AS root_public_id, r.status AS root_status,
       r.delete_asked AS delete_asked, r.deleted AS deleted, r.chat AS chat, c.banned AS banned
FROM message m {WITH_ROOT} JOIN $lookup(chat c: c.id = r.chat)
WHERE m.public_id = $1::uuid AND m.token = $2 AND m.kind IN ('message', 'edit')
"""
OF_JOB = """
SELECT id, public_id, status, first_attempt, chat, telegram_id, telegram_ids, delete_asked, deleted
FROM message WHERE id = $1
"""
# No index has these conditions. The row is looked up, and its status is compared.
UNSENT = """
(status || '' IN ('scheduled', 'held') OR (status || '' = 'queued' AND first_attempt IS NULL))
"""
CANCEL = f"""
UPDATE message SET status = 'canceled', failure = $2, deleted = $3, held_until = NULL, parts = NULL
WHERE id = $1 AND {UNSENT} RETURNING public_id, chat, supersedes
"""
CANCEL_EDITS = f"""
UPDATE message SET status = 'canceled', failure = $2, parts = NULL
WHERE {COMING_EDITS} $1 RETURNING public_id, chat, supersedes
"""
ASK = "UPDATE message SET delete_asked = COALESCE(delete_asked, $2) WHERE id = $1 AND deleted IS NULL"
EDIT_IN_FLIGHT = f"SELECT 1 FROM message s WHERE s.chat = $1 AND {SENDING} AND s.replaces = $2"
RECORD = "UPDATE message SET deleted = $2 WHERE id = $1"
# What a newer message has superseded stays in the chat then, and in the lists.
GIVE_UP = """
UPDATE message SET delete_asked = NULL, kind = 'message', is_edit = false, replaces = NULL WHERE id = $1
"""


class Deletion(msgspec.Struct, frozen=True):
    """What became of a message that its sender wants deleted. When it is not `done`, it will be deleted."""

    id: str
    status: str
    done: bool


class Doomed(msgspec.Struct, frozen=True):
    """A message that is to be deleted from its chat. `telegram_ids`: 0 for a message that Telegram did not
    name."""

    id: int
    public_id: str
    telegram_ids: tuple[int, ...]


async def delete(public_id: str, token: str, seconds: float) -> Deletion:
    """Cancels a message, or has it deleted from the chat and waits for that so many seconds.

    A message that is being sent is deleted afterwards. Whoever asks again is told the same. Raises
    TokenInvalid, AccountBanned, ChatBanned, MessageNotFound, MessageNotInChat, DeletionRefused.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    asked_as: str | None = None
    root = (await _of_token(public_id, token))["root_public_id"]
    with changes.watch(str(root)) as watch:
        while True:
            found = await _of_token(public_id, token)
            if found["deleted"] is not None:
                return _result(found, done=True)
            if _is_unsent(found) and await _cancel(found["id"]):
                return Deletion(public_id, "canceled", done=True)
            status = found["root_status"] if _is_of_root(found) else found["status"]
            if status == "canceled":
                return _result(found, done=True)
            if status not in MAY_BE_IN_CHAT:
                raise MessageNotInChat(status)
            if asked_as is not None and status == "sent" and found["delete_asked"] is None:
                raise DeletionRefused
            if asked_as != status:
                await _ask(found, utc_now())
                asked_as = status
            if not await watch.wait(deadline):
                return _result(found, done=False)


async def doomed(message_id: int, now: datetime) -> Doomed | None:
    """What a job must delete from the chat. None when there is nothing left to delete. Raises
    scheduled.TooEarly while the message, or an edit of it, is being sent."""
    rows = await current().fetch(OF_JOB, message_id)
    if not rows or rows[0]["deleted"] is not None or rows[0]["delete_asked"] is None:
        return None
    found = rows[0]
    if _is_unsent(found) and await _cancel(message_id):
        return None
    if found["status"] in ("queued", "sending"):
        raise _too_early(found, now)
    ids = telegram_ids_of(found["telegram_id"], found["telegram_ids"])
    one = Doomed(message_id, str(found["public_id"]), ids)
    if found["status"] != "sent":
        await give_up(one)
        return None
    await _cancel_edits(message_id)
    if await current().fetch(EDIT_IN_FLIGHT, found["chat"], message_id):
        raise _too_early(found, now)
    return one


def _too_early(found: Row, now: datetime) -> scheduled.TooEarly:
    waited = (now - found["delete_asked"]).total_seconds()
    return scheduled.TooEarly(min(max(AGAIN_AFTER, waited / 10), AGAIN_AT_LAST))


async def record(one: Doomed, now: datetime) -> None:
    """Records that the message is not in the chat any more. The person's lists then show none of its words,
    and neither the search nor a tag finds it."""
    async with current().write():
        await current().execute(RECORD, one.id, now)
        await tags.remove(one.id)
    log.info("message deleted", id=one.public_id)
    changes.notify(one.public_id)


async def give_up(one: Doomed) -> None:
    """Records that Telegram does not let the message be deleted, or that it never came into the chat."""
    await current().execute(GIVE_UP, one.id)
    log.info("message not deleted", id=one.public_id)
    changes.notify(one.public_id)


async def _of_token(public_id: str, token: str) -> Row:
    row = await tokens.resolve(token, utc_now())
    found = await current().fetch(FIND, public_id, row.id) if is_uuid(public_id) else []
    if not found:
        raise MessageNotFound
    return found[0]


def _is_unsent(found: Row) -> bool:
    return found["status"] in ("scheduled", "held") or (
        found["status"] == "queued" and found["first_attempt"] is None
    )


def _is_of_root(found: Row) -> bool:
    """Whether what is asked for stands for the message in the chat. An edit that was not done does not."""
    return not found["is_edit"] or found["status"] in MAY_BE_IN_CHAT


async def _cancel(message_id: int) -> bool:
    """Cancels a message that was not sent, and its edits. False when it is, or may be, in the chat. What it
    would have superseded there is deleted."""
    engine, now = current(), utc_now()
    async with engine.write():
        rows = await engine.execute(CANCEL, message_id, CANCELED_BY_SENDER, now)
        if rows:
            await tags.remove(message_id)
            rows += await engine.execute(CANCEL_EDITS, message_id, CANCELED_BY_SENDER)
        for row in rows:
            if row["supersedes"] is not None:
                await _put_job(row["chat"], row["supersedes"], now)
    _notify_canceled(rows)
    return bool(rows)


async def _cancel_edits(root: int) -> None:
    _notify_canceled(await current().execute(CANCEL_EDITS, root, CANCELED_BY_SENDER))


async def _ask(found: Row, now: datetime) -> None:
    """Stores the job. A message that is accepted from now on under the same replace key is a new one."""
    if found["banned"] is not None:
        raise ChatBanned
    async with current().write():
        await _put_job(found["chat"], found["root"], now)
        rows = await current().execute(CANCEL_EDITS, found["root"], CANCELED_BY_SENDER)
    _notify_canceled(rows)
    scheduled.notify()


async def _put_job(chat: int, message_id: int, now: datetime) -> None:
    """Has a message deleted. Call it in a transaction, and `scheduled.notify` after it."""
    await current().execute(ASK, message_id, now)
    await scheduled.put(chat, scheduled.DELETION, message_id, str(message_id), now)


def _notify_canceled(rows: list[Row]) -> None:
    """Tells waiters, and the worker: the next message of the chat may be sent. Call it after the commit."""
    for row in rows:
        log.info("message canceled by its sender", id=str(row["public_id"]), chat=row["chat"])
        waiters.notify_settled(str(row["public_id"]), "canceled", CANCELED_BY_SENDER)
        wakeups.notify_due(row["chat"])
    if any(row["supersedes"] is not None for row in rows):
        scheduled.notify()


def _result(found: Row, *, done: bool) -> Deletion:
    return Deletion(str(found["public_id"]), found["status"], done)
