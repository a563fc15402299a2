"""The limit of a token: how many messages a minute it may send. A person sets it."""

from datetime import datetime, timedelta

from djangobot.db.engine import current
from djangobot.db.errors import TokenLimited

MINUTE = timedelta(minutes=1)

# Locks the token's row. Of several senders at the same moment, each sees what the one before has sent.
LIMIT = """
UPDATE bot_token SET limit_minute = limit_minute WHERE digest = $1 AND limit_minute IS NOT NULL
RETURNING id, chat, limit_minute
"""
# A token has one chat. Reads what that got in the last minute: neither older messages nor edits, of which a
# token may have very many. The plus keeps databases off the index of the token's messages.
LATEST = """
SELECT created FROM message
WHERE chat = $1 AND kind = 'message' AND created > $2 AND created <= $3 AND +token = $4
ORDER BY created DESC, id DESC LIMIT 1 OFFSET $5
"""


async def check(digest: str, now: datetime) -> None:
    """The database counts, so the limit holds in every process. Raises TokenLimited."""
    for token in await current().execute(LIMIT, digest):
        others = token["limit_minute"] - 1
        latest = await current().fetch(LATEST, token["chat"], now - MINUTE, now, token["id"], others)
        if latest:
            raise TokenLimited((latest[0]["created"] + MINUTE - now).total_seconds())
