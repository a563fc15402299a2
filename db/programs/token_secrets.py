"""Token secrets: what the webhooks that come with a bot token are signed with.

A signature can't be checked against a digest. So the secret itself is stored, sealed under a key that the
database does not have.
"""

import re
from datetime import datetime, timedelta

import msgspec
import structlog
from piccolo.columns import ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db import credentials
from djangobot.db.engine import current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.errors import FieldsInvalid, SignatureWrong, TokenNotFound
from djangobot.db.programs.tokens import BotToken

log = structlog.get_logger(__name__)

KIND = "token secret"
LEAST, MOST = 8, 200
"""Characters of a secret."""
LOOKED_BACK = timedelta(days=7)
"""How long a wrong signature is told."""
SHOWN = 10
"""Tokens with wrong signatures that are listed."""

_SECRET = re.compile(rf"[!-~]{{{LEAST},{MOST}}}")


class TokenSecret(Table, tablename="token_secret"):
    """The secret of one token, and the signatures that were wrong."""

    id = SerialOnce(primary_key=True)
    token = ForeignKey(references=BotToken, null=False, on_delete=OnDelete.cascade, unique=True)
    sealed = Text(secret=True)
    version = Integer(default=1)
    """Grows with each change, so that a button that is pressed twice changes it once."""
    refused = Integer(default=0)
    """Wrong signatures since the last change."""
    refused_at = Timestamptz(null=True, default=None)
    refused_format = Varchar(length=32, default="")


class SecretState(msgspec.Struct, frozen=True):
    """What the person sees of a secret. `version` 0: there is none."""

    version: int = 0
    refused: int = 0
    refused_at: datetime | None = None


class Refused(msgspec.Struct, frozen=True):
    """Wrong signatures of one token, as an admin sees them."""

    name: str
    prefix: str
    format: str
    times: int
    latest: datetime


STATE = """
SELECT s.version AS version, s.refused AS refused, s.refused_at AS refused_at
FROM bot_token t LEFT JOIN token_secret s ON s.token = t.id WHERE t.id = $2 AND t.chat = $1
"""
PUT = """
INSERT INTO token_secret (token, sealed, version, refused, refused_format)
SELECT t.id, $3::text, 1, 0, '' FROM bot_token t WHERE t.id = $2 AND t.chat = $1 AND $4::integer = 0
ON CONFLICT (token) DO NOTHING RETURNING id
"""
CHANGE = """
UPDATE token_secret SET sealed = $3, version = version + 1, refused = 0, refused_at = NULL
WHERE token = $2 AND version = $4 AND EXISTS (SELECT 1 FROM bot_token t WHERE t.id = $2 AND t.chat = $1)
RETURNING id
"""
REMOVE = """
DELETE FROM token_secret WHERE token = $2
AND EXISTS (SELECT 1 FROM bot_token t WHERE t.id = $2 AND t.chat = $1)
"""
REFUSE = """
UPDATE token_secret SET refused = refused + 1, refused_at = $2, refused_format = $3 WHERE token = $1
"""
REFUSED = """
SELECT t.name AS name, t.prefix AS prefix, s.refused_format AS format, s.refused AS times,
       s.refused_at AS latest
FROM token_secret s JOIN bot_token t ON t.id = s.token
WHERE s.refused_at > $1 ORDER BY s.refused_at DESC LIMIT $2
"""


def check(secret: str) -> None:
    """Raises FieldsInvalid."""
    if not _SECRET.fullmatch(secret):
        raise FieldsInvalid({"secret": f"must have {LEAST} to {MOST} visible ASCII characters"})


async def state(chat_id: int, token_id: int) -> SecretState:
    """Whether there is one, and how often a signature was wrong. Raises TokenNotFound."""
    rows = await current().fetch(STATE, chat_id, token_id)
    if not rows:
        raise TokenNotFound
    row = rows[0]
    return SecretState(row["version"] or 0, row["refused"] or 0, row["refused_at"])


async def put(chat_id: int, token_id: int, secret: str, key: str, *, version: int) -> bool:
    """Stores a secret in place of the one with this version; 0 for none. False when it was changed before.
    Raises FieldsInvalid."""
    check(secret)
    sealed = credentials.seal(secret.encode(), key, KIND)
    statement = CHANGE if version else PUT
    done = bool(await current().execute(statement, chat_id, token_id, sealed, version))
    if done:
        log.info("secret of a bot token changed", token_id=token_id, chat=chat_id)
    return done


async def remove(chat_id: int, token_id: int) -> None:
    """Removes the secret: no signature is asked for any more."""
    await current().execute(REMOVE, chat_id, token_id)
    log.info("secret of a bot token removed", token_id=token_id, chat=chat_id)


async def of_token(token_id: int, key: str) -> str | None:
    """The secret. None when there is none. Raises SignatureWrong when it was sealed under another key: no
    signature can be right then."""
    rows = await current().fetch("SELECT sealed FROM token_secret WHERE token = $1", token_id)
    if not rows:
        return None
    try:
        return credentials.unseal(rows[0]["sealed"], key, KIND).decode()
    except credentials.WrongKey:
        log.error("secret of a bot token was sealed under another DJANGOBOT_SESSION_KEY", token_id=token_id)
        raise SignatureWrong from None


async def note_refused(token_id: int, format_name: str, now: datetime) -> None:
    """Counts a wrong signature. Nothing of it is kept."""
    await current().execute(REFUSE, token_id, now, format_name)
    log.warning(
        "webhook refused", reason="its signature is missing or wrong", token_id=token_id, format=format_name
    )


async def refused(now: datetime) -> list[Refused]:
    """Tokens with wrong signatures, the latest first."""
    return [Refused(**row) for row in await current().fetch(REFUSED, now - LOOKED_BACK, SHOWN)]
