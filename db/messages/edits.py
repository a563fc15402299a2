"""Edits: one message that changes, and replies.

A sender names a message by a replace key. The message in the chat with this key is the root. A later message
with the key is an edit of it, a row of its own. If the root was never in the chat, the later message takes
its place instead. Of a root's edits that wait, only the newest is done.
"""

from datetime import datetime, timedelta
from typing import Literal

import structlog

from djangobot.db.delivery.heads import COMING_EDITS, IS_QUEUED
from djangobot.db.delivery.pubsub import waiters
from djangobot.db.delivery.removal import SETTLED
from djangobot.db.engine import Row, current
from djangobot.db.errors import FieldsInvalid
from djangobot.db.messages import tags
from djangobot.db.messages.messages import is_uuid
from djangobot.db.messages.new_message import Accepted, NewMessage
from djangobot.db.periodic import repeat

log = structlog.get_logger(__name__)

Place = Literal["edit", "instead", "new"]
"""What a message with a replace key is: an edit of the root, a message instead of the root, or a new root."""

# ruff: noqa: S608 - the statements below are put together from constants.
# Senders of one token come one after another here. A revocation waits, too.
LOCK = "SELECT t.id AS token FROM bot_token t WHERE t.digest = $1 FOR NO KEY UPDATE OF t"
OF_KEY = """m.token = $1 AND m.replace_key = $2
  AND CASE WHEN m.replace_key IS NOT NULL THEN m.kind END = 'message'"""
ROOT = f"""
SELECT m.id AS id, m.status AS status, m.first_attempt AS first_attempt, m.delete_asked AS delete_asked
FROM message m WHERE {OF_KEY} FOR NO KEY UPDATE OF m
"""
NAME = "UPDATE message SET replace_key = $2, reply_to = $3, request = $4 WHERE id = $1"
MAKE_EDIT = "UPDATE message SET kind = 'edit', is_edit = true, replaces = $2 WHERE id = $1"
END_WAITING = f"""
UPDATE message SET status = 'replaced', failure = NULL, parts = NULL
WHERE {COMING_EDITS} $1 AND {IS_QUEUED} RETURNING public_id
"""
# Edits whose time has not come change the message that has the key then.
MOVE_SCHEDULED = f"UPDATE message SET replaces = $2 WHERE {COMING_EDITS} $1 AND id <> $2"
# What was never in the chat is in no list. It counts as an edit of the message that took its place.
END_ROOT = """
UPDATE message SET status = 'replaced', kind = 'edit', is_edit = true, replaces = $2, failure = NULL,
                   held_until = NULL, parts = NULL
WHERE id = $1 RETURNING public_id
"""
# What it would have superseded in the chat, the newer message supersedes.
TAKE_OVER = """
UPDATE message SET supersedes = (SELECT r.supersedes FROM message r WHERE r.id = $1) WHERE id = $2
"""
FREE_KEY = "UPDATE message SET replace_key = NULL WHERE id = $1"
# The edits after one, in the order of their index. The last one of a message may have set the buttons that
# its chat shows, so it is not useless.
PAGE = f"""
SELECT e.id AS id, e.replaces AS replaces,
       e.created < $1 AND {SETTLED.format(m="e")}
       AND (e.status <> 'sent' OR EXISTS (
           SELECT 1 FROM message n WHERE n.replaces = e.replaces AND n.id > e.id AND n.status || '' = 'sent'))
       AS useless
FROM message e WHERE e.replaces IS NOT NULL AND (e.replaces, e.id) > ($2::bigint, $3::bigint)
ORDER BY e.replaces, e.id LIMIT $4
"""
SWEEP = f"""
DELETE FROM message WHERE id IN (SELECT b.value FROM $each1 b) AND {SETTLED.format(m="message")} RETURNING id
"""
BY_ID = """
SELECT COALESCE(m.replaces, m.id) AS id FROM message m
WHERE m.public_id = $2::uuid AND m.token = $1 AND m.kind IN ('message', 'edit')
"""
BY_KEY = f"SELECT m.id AS id FROM message m WHERE {OF_KEY}"
STANDING = f"SELECT m.public_id AS id, m.status AS status FROM message m WHERE {OF_KEY}"
UNKNOWN_REPLY = "is neither the id nor the replace key of a message of this bot token"


KEPT = timedelta(days=30)
"""How long a program may ask what became of an edit."""
SWEEP_EVERY = 3600.0
"""Seconds between two sweeps."""
READ = 200
"""Edits read at once, and removed in one transaction at most."""


class Replacing:
    """One message that may have a replace key or answer another, in the transaction that accepts it.

    Call `find` before its row is inserted, `insert` after it, and `notify` after the commit.
    """

    def __init__(self, message: NewMessage) -> None:
        self.message = message
        self._place: Place = "new"
        self._root: int | None = None
        self._reply_to: int | None = None
        self._ended: list[str] = []

    @property
    def is_edit(self) -> bool:
        """Whether it changes a message that is in the chat, or may be."""
        return self._place == "edit"

    async def find(self, digest: str) -> None:
        """Finds the root and what is answered, and locks the token and the root. Raises FieldsInvalid."""
        if self.message.replace is None and self.message.reply_to is None:
            return
        for token in await current().fetch(LOCK, digest):
            if self.message.reply_to is not None:
                self._reply_to = await _answered(token["token"], self.message.reply_to)
            if self.message.replace is not None:
                await self._find_root(token["token"], self.message.replace)

    async def _find_root(self, token: int, key: str) -> None:
        # A root that loses its key while it is waited for is not found. Then there is another one.
        rows = await current().fetch(ROOT, token, key) or await current().fetch(ROOT, token, key)
        for root in rows:
            self._root, self._place = root["id"], _place(root)

    async def insert(self, message_id: int) -> None:
        """Makes the inserted row what it is. The root and the edits that wait get out of its way."""
        engine, root = current(), self._root
        if self.message.replace is None and self.message.reply_to is None:
            return
        if root is not None:
            ended = await engine.execute(END_WAITING, root)
            if self._place == "instead":
                ended += await engine.execute(END_ROOT, root, message_id)
                await tags.remove(root)
            elif self._place == "new":
                await engine.execute(FREE_KEY, root)
            if self._place == "edit":
                await engine.execute(MAKE_EDIT, message_id, root)
            else:
                await engine.execute(MOVE_SCHEDULED, root, message_id)
                await engine.execute(TAKE_OVER, root, message_id)
            self._ended = [str(row["public_id"]) for row in ended]
        message = self.message
        await engine.execute(NAME, message_id, message.replace, self._reply_to, message.request)

    def notify(self) -> None:
        """Tells the waiters of the messages that were replaced. Call it after the commit."""
        for public_id in self._ended:
            log.debug("message replaced", id=public_id)
            waiters.notify_settled(public_id, "replaced", None)


async def standing(token: int, key: str) -> Accepted | None:
    """The message that has this replace key, as it is now. None when there is none, or none any more."""
    rows = await current().fetch(STANDING, token, key)
    return Accepted(str(rows[0]["id"]), rows[0]["status"], repeated=True) if rows else None


async def sweep(now: datetime) -> int:
    """Removes settled edits that are older than KEPT, but the last one of each message. Returns how many.
    Only removing them is a write."""
    engine, swept, root, last = current(), 0, 0, 0
    while rows := await engine.fetch(PAGE, now - KEPT, root, last, READ):
        if useless := [row["id"] for row in rows if row["useless"]]:
            swept += len(await engine.execute(SWEEP, engine.each(useless)))
        root, last = rows[-1]["replaces"], rows[-1]["id"]
    if swept:
        log.info("old edits removed", count=swept)
    return swept


async def keep_up() -> None:
    """Sweeps for ever."""
    await repeat(sweep, SWEEP_EVERY)


def _place(root: Row) -> Place:
    if root["delete_asked"] is not None:
        return "new"
    match root["status"]:
        case "sent" | "sending":
            return "edit"
        case "queued" if root["first_attempt"] is not None:  # it may be in the chat
            return "edit"
        case "queued" | "held" | "scheduled":
            return "instead"
    return "new"


async def _answered(token: int, reply_to: str) -> int:
    rows: list[Row] = []
    if is_uuid(reply_to):
        rows = await current().fetch(BY_ID, token, reply_to)
    rows = rows or await current().fetch(BY_KEY, token, reply_to)
    if not rows:
        raise FieldsInvalid({"reply_to": UNKNOWN_REPLY})
    answered: int = rows[0]["id"]
    return answered
