"""The limit of a token: how many messages a minute it may send. A person sets it."""

from datetime import datetime, timedelta

from djangobot.db.engine import current
from djangobot.db.errors import TokenLimited

MINUTE = timedelta(minutes=1)

# Locks the token's row. Of several senders at the same moment, each sees what the one before has sent.
LIMIT = """
UPDATE bot_token SET limit_minute = limit_minute WHERE digest = $1 AND limit_minute IS NOT NULL
RETURNING id, limit_minute
"""
# Forces the index of the token's messages, whatever the statistics say. A range of one token leaves no other
# order to follow. `IS TRUE` leaves no other index.
LATEST = """
SELECT created FROM message
WHERE token BETWEEN $1 AND $1 AND (kind = 'message' AND created <= $2) IS TRUE
ORDER BY token DESC, id DESC LIMIT 1 OFFSET $3
"""


async def check(digest: str, now: datetime) -> None:
    """The database counts, so the limit holds in every process. Raises TokenLimited."""
    for token in await current().execute(LIMIT, digest):
        latest = await current().fetch(LATEST, token["id"], now, token["limit_minute"] - 1)
        if latest and latest[0]["created"] > now - MINUTE:
            raise TokenLimited((latest[0]["created"] + MINUTE - now).total_seconds())
