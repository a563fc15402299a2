"""Codes: what a person gives a program's owner, once, to let the program in."""

from datetime import datetime, timedelta

from piccolo.columns import BigSerial, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db import credentials, outbox
from djangobot.db.accounts import Account
from djangobot.db.chats import Chat
from djangobot.db.engine import current, is_reference_violation, is_unique_violation
from djangobot.db.errors import AccessDenied, CodeInvalid
from djangobot.db.fields import TOKEN_NAME_LIMIT, check_token_name
from djangobot.db.tokens import BotToken, issue_in_transaction

CODE_TTL = timedelta(minutes=10)
TRIES = 10


class Code(Table, tablename="code"):
    """The newest of each chat; the digits themselves are kept nowhere."""

    id = BigSerial(primary_key=True)
    chat = ForeignKey(references=Chat, unique=True, on_delete=OnDelete.cascade, null=False)
    digest = Varchar(length=64, unique=True, secret=True)
    created = Timestamptz()
    expires = Timestamptz()
    used = Timestamptz(null=True, default=None)
    name = Varchar(length=TOKEN_NAME_LIMIT, null=True, default=None)
    """The token's to come."""
    message = Integer(null=True, default=None)
    """Telegram's id of the message that shows it."""


ISSUE = """
INSERT INTO code (chat, digest, created, expires) VALUES ($1, $2, $3, $4)
ON CONFLICT (chat) DO UPDATE SET
    digest = excluded.digest, created = excluded.created, expires = excluded.expires, used = NULL
"""
REDEEM = "UPDATE code SET used = $2 WHERE digest = $1 AND used IS NULL AND expires > $2 RETURNING chat"


async def issue(chat: Chat, now: datetime) -> str:
    """Ten digits, valid for CODE_TTL; the chat's former code is dead."""
    for _ in range(TRIES):
        code = credentials.new_code()
        digest = await credentials.digest_code(code)
        try:
            await current().execute(ISSUE, chat.id, digest, now, now + CODE_TTL)
        except Exception as exc:
            if not is_unique_violation(exc):  # another chat has these very digits just now
                raise
        else:
            return code
    raise RuntimeError(f"no free code in {TRIES} tries")


async def redeem(account: Account, code: str, now: datetime, name: str | None = None) -> tuple[BotToken, str]:
    """A code for a bot token; the chat is told who was linked. Returns the token's row and the token itself,
    which is kept nowhere. `name` is the token's, by default the account's.

    Raises CodeInvalid, FieldsInvalid, AccessDenied when the account is gone. Of several who try one code at
    the same moment one succeeds.
    """
    if name is not None:
        check_token_name(name)
    digits = credentials.normalise_code(code)
    if digits is None:
        raise CodeInvalid
    digest = await credentials.digest_code(digits)
    try:
        chat_id, row, token = await _redeem(account, digest, now, name or account.name)
    except Exception as exc:
        if is_reference_violation(exc):
            raise AccessDenied from exc
        raise
    outbox.ring(chat_id)
    return row, token


async def _redeem(account: Account, digest: str, now: datetime, name: str) -> tuple[int, BotToken, str]:
    engine = current()
    async with engine.write():
        used = await engine.execute(REDEEM, digest, now)
        if not used:
            raise CodeInvalid
        chat_id: int = used[0]["chat"]
        row, token = await issue_in_transaction(account.id, chat_id, name, now)
        await outbox.add_notice("linked", chat_id, now, account_id=account.id, token_id=row.id)
    return chat_id, row, token
