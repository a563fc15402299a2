"""Digests: messages that are held because of a mute or of quiet hours, and the one notice that tells of them.

The worker decides whether to show a message just before it would send it (`held_until`, `silently`). So the
person's latest choice counts. A message that was delayed into the quiet hours by the queue, by Telegram or by
a restart is not shown in them. A held message's own row says when its digest is due. One transaction clears
that and writes the digest. So no digest is lost, and none comes twice.
"""

from datetime import datetime

import msgspec
import structlog

from djangobot.db.delivery import outbox
from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.engine import Row, current
from djangobot.db.people import chat_settings

log = structlog.get_logger(__name__)

HELD_AT_ONCE = 100
"""Messages read at once to find the chats whose digest is due."""
FIRST_SHOWN = 3
"""Messages of each sender that a digest quotes."""


class Share(msgspec.Struct, frozen=True):
    """The part of a digest that one token sent."""

    account: str
    token: str
    count: int
    first: list[str]
    ids: list[int] = []
    """The ids of these messages."""
    rich: list[str | None] = []
    """What goes with their texts, as db/messages/content.py keeps it."""


class Digest(msgspec.Struct, frozen=True):
    """The sender with most messages comes first."""

    shares: list[Share]

    @property
    def count(self) -> int:
        """The number of messages in all."""
        return sum(share.count for share in self.shares)


RELEASE = """
UPDATE message SET held_until = $2 WHERE chat = $1 AND held_until > $2 AND NOT EXISTS (
    SELECT 1 FROM mute u WHERE u.chat = message.chat
    AND (u.account = message.account OR u.token = message.token) AND u.until > $2)
"""
# The longest overdue first. Uses the one index that has this condition.
TO_TELL = """
SELECT chat FROM message
WHERE CASE WHEN held_until IS NOT NULL THEN kind END = 'message' AND held_until <= $1
ORDER BY held_until LIMIT $2
"""
RELEASE_HELD = """
UPDATE message SET held_until = NULL WHERE chat = $1 AND held_until <= $2
RETURNING id, token, substr(text, 1, 200) AS text
"""
RICH = """
SELECT m.id AS id, m.rich AS rich FROM $each1 b JOIN $lookup(message m: m.id = b.value)
WHERE LENGTH(m.rich) <= $2
"""
RICH_MOST = 20_000
"""Characters. What goes with a text in a digest is left out when it is longer."""
NAMES = """
SELECT t.id AS token, a.name AS account, t.name AS name
FROM bot_token t LEFT JOIN account a ON a.id = t.account WHERE t.chat = $1
"""


def held_until(message: Claimed, now: datetime) -> datetime | None:
    """When the person is told of this message instead of being shown it. None: show it now.

    A mute also holds urgent messages: it is the person's own choice about this sender. Quiet hours do not
    hold them. A message that may be in the chat already, because its answer was lost, is never held.
    """
    if message.kind != "message" or message.first_attempt is not None:
        return None
    if message.muted_until is not None:
        return message.muted_until
    settings = chat_settings.read(message.settings)
    if message.urgent or settings.quiet_mode != "digest":
        return None
    return settings.quiet_until(now)


def silently(message: Claimed, now: datetime) -> bool:
    """Whether it arrives without a sound."""
    if message.urgent or message.settings == chat_settings.UNCHANGED:
        return False
    return chat_settings.read(message.settings).quiet_until(now) is not None


async def release(chat_id: int, now: datetime) -> None:
    """Makes the digest due now: a person who changes their quiet hours is awake. Messages of muted senders
    stay held."""
    await current().execute(RELEASE, chat_id, now)


async def send_digests(now: datetime) -> int:
    """Writes the notices that are due, one for each chat. Returns how many. After an interruption, the next
    call continues."""
    found = {row["chat"] for row in await current().fetch(TO_TELL, now, HELD_AT_ONCE)}
    for chat in found:
        await _send_digest(chat, now)
        wakeups.notify_due(chat)
    return len(found)


async def _send_digest(chat_id: int, now: datetime) -> None:
    engine = current()
    async with engine.write():
        held = await engine.execute(RELEASE_HELD, chat_id, now)
        if not held:
            return
        names = {row["token"]: row for row in await engine.execute(NAMES, chat_id)}
        by_token: dict[int | None, list[Row]] = {}
        for row in sorted(held, key=lambda row: row["id"]):
            by_token.setdefault(row["token"], []).append(row)
        quoted = [row["id"] for rows in by_token.values() for row in rows[:FIRST_SHOWN]]
        found = await engine.execute(RICH, engine.each(quoted), RICH_MOST)
        rich = {row["id"]: row["rich"] for row in found}
        shares = [
            Share(
                (names[token]["account"] or "") if token in names else "",
                names[token]["name"] if token in names else "",
                len(rows),
                [row["text"] for row in rows[:FIRST_SHOWN]],
                [row["id"] for row in rows[:FIRST_SHOWN]],
                [rich.get(row["id"]) for row in rows[:FIRST_SHOWN]],
            )
            for token, rows in sorted(by_token.items(), key=lambda item: -len(item[1]))
        ]
        text = msgspec.json.encode(Digest(shares)).decode()
        await outbox.add_notice("digest", chat_id, now, text=text)
    log.info("digest written", chat=chat_id, count=len(held))


def read_digest(text: str) -> Digest:
    """Reads the text of a notice of the kind `digest`."""
    return msgspec.json.decode(text, type=Digest)
