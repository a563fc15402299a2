"""Own tokens: bot tokens that a person makes in the chat for programs of their own. They have no account.

The value can be shown again while its nonce is stored: a message that asks for a token and is handled twice
gets the same token and value.
"""

from datetime import datetime, timedelta

import structlog

from djangobot.db import credentials
from djangobot.db.engine import current
from djangobot.db.errors import TokenNotFound, TokensTooMany
from djangobot.db.fields import check_token_name
from djangobot.db.programs.tokens import PREFIX, gotify_digest

log = structlog.get_logger(__name__)

MOST = 50
"""A chat's own tokens, at most: those that can be used, and those younger than PERIOD. So a person can
make neither many at once nor many one after another."""
PERIOD = timedelta(days=1)

# The name is compared too: Telegram never reuses a chat's message numbers, but a new sandbox starts from the
# beginning.
ISSUED = "SELECT id, nonce FROM bot_token WHERE chat = $1 AND origin = $2 AND name = $3"
COUNT = """
SELECT COUNT(*) AS tokens FROM bot_token WHERE chat = $1 AND account IS NULL
AND (created > $3 OR (revoked IS NULL AND (expires IS NULL OR expires > $2)))
"""
INSERT = """
INSERT INTO bot_token (digest, prefix, chat, name, created, origin, nonce, gotify_digest, refuses_urgent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false) RETURNING id
"""


async def issue(
    chat_id: int, name: str, now: datetime, *, origin: int, secret: str
) -> tuple[int, str | None]:
    """A token for the person's own programs: its id and value. `origin` is the number of the message that
    asked for it. The same `origin` gives the same token; its value is None once it is hidden (`hide_value`).

    Raises FieldsInvalid, TokensTooMany, TokenNotFound when there is no such chat.
    """
    check_token_name(name)
    engine = current()
    async with engine.write():
        # Of two requests at the same moment, the second waits here until the first is committed.
        if not await engine.execute("UPDATE chat SET seen = seen WHERE id = $1 RETURNING id", chat_id):
            raise TokenNotFound
        for row in await engine.execute(ISSUED, chat_id, origin, name):
            return row["id"], credentials.derived_token(secret, row["nonce"]) if row["nonce"] else None
        rows = await engine.execute(COUNT, chat_id, now, now - PERIOD)
        if rows[0]["tokens"] >= MOST:
            raise TokensTooMany
        nonce = credentials.new_nonce()
        value = credentials.derived_token(secret, nonce)
        await engine.execute(
            "UPDATE bot_token SET origin = NULL WHERE chat = $1 AND origin = $2", chat_id, origin
        )  # another name: the numbers of a new sandbox
        rows = await engine.execute(
            INSERT,
            credentials.digest_token(value),
            value[:PREFIX],
            chat_id,
            name,
            now,
            origin,
            nonce,
            gotify_digest(value),
        )
    token_id: int = rows[0]["id"]
    log.info("bot token made in the chat", token_id=token_id, chat=chat_id)
    return token_id, value


async def shown_value(chat_id: int, token_id: int, secret: str) -> str | None:
    """The value of a token while it stands in the chat. None when it is hidden."""
    rows = await current().fetch(
        "SELECT nonce FROM bot_token WHERE id = $2 AND chat = $1 AND nonce IS NOT NULL AND revoked IS NULL",
        chat_id,
        token_id,
    )
    return credentials.derived_token(secret, rows[0]["nonce"]) if rows else None


async def hide_value(chat_id: int, token_id: int) -> None:
    """Hides the value of a token. Nobody can derive it any more."""
    await current().execute(
        "UPDATE bot_token SET nonce = NULL WHERE id = $2 AND chat = $1 AND nonce IS NOT NULL",
        chat_id,
        token_id,
    )
