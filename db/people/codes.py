"""Codes: a person gives a code to a program's owner. It allows the program to write to the person, and works
once."""

import unicodedata
from datetime import datetime, timedelta

import msgspec
from piccolo.columns import BigInt, BigSerial, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db import credentials
from djangobot.db.delivery import outbox, scheduled
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.engine import current
from djangobot.db.engine.errors import is_reference_violation, is_unique_violation
from djangobot.db.errors import AccessDenied, AccountBanned, CodeInvalid
from djangobot.db.fields import TOKEN_NAME_LIMIT, check_token_name
from djangobot.db.people import guesses
from djangobot.db.people.chats import Chat
from djangobot.db.programs import token_networks
from djangobot.db.programs.accounts import Account
from djangobot.db.programs.tokens import BotToken, issue_in_transaction

CODE_TTL = timedelta(minutes=10)
TRIES = 10


class Code(Table, tablename="code"):
    """The newest code of each chat. The digits themselves are not stored."""

    id = BigSerial(primary_key=True)
    chat = ForeignKey(references=Chat, unique=True, on_delete=OnDelete.cascade, null=False)
    digest = Varchar(length=64, unique=True, secret=True)
    created = Timestamptz()
    expires = Timestamptz()
    used = Timestamptz(null=True, default=None)
    name = Varchar(length=TOKEN_NAME_LIMIT, null=True, default=None)
    """The name of the token to be made."""
    length = Integer(default=guesses.CODE_LENGTH)
    """The number of digits."""
    message = Integer(null=True, default=None)
    """Telegram's id of the message that shows the code."""
    origin = BigInt(null=True, default=None)
    """Telegram's number of the person's message that asked for it."""
    nonce = Varchar(length=credentials.NONCE_LENGTH, null=True, default=None, secret=True)
    """What the digits were made from, together with a secret that the database does not have. The same
    message, handled again after a crash, is answered with the same digits."""


class Asked(msgspec.Struct, frozen=True):
    """A person's message that asks for a code: Telegram's number of it, when it was written, and the secret
    that the digits are made with."""

    number: int
    written: datetime
    secret: str


ISSUE = """
INSERT INTO code (chat, digest, created, expires, name, length, origin, nonce)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (chat) DO UPDATE SET digest = excluded.digest, created = excluded.created,
    expires = excluded.expires, name = excluded.name, length = excluded.length,
    origin = excluded.origin, nonce = excluded.nonce,
    used = NULL, message = NULL
"""
LIVE_MESSAGE = "SELECT message FROM code WHERE chat = $1 AND used IS NULL AND expires > $2 AND message > 0"
REDEEM = """
UPDATE code SET used = $2 WHERE digest = $1 AND used IS NULL AND expires > $2
    AND EXISTS (SELECT 1 FROM chat c WHERE c.id = code.chat AND c.banned IS NULL)
RETURNING chat, name, message
"""
# Locks the account: a change of it waits, and so does another read with this lock. So an old password can't
# make a token.
SIGNED_IN = "SELECT banned, token_version FROM account a WHERE id = $1 FOR SHARE OF a"
ISSUED = "SELECT 1 AS one FROM code WHERE digest = $1"
SHOWN = "UPDATE code SET message = $3 WHERE chat = $1 AND digest = $2 RETURNING used, expires"


async def answer(chat: Chat, asked: Asked, now: datetime, name: str | None = None) -> str | None:
    """`issue` for a person's message. A message that was answered before gets the same digits, even if they
    are used by now. None when there is nothing to answer any more: a later message was answered, or this
    one's code has expired.

    Raises FieldsInvalid.
    """
    row = await Code.objects().where(Code.chat == chat.id).first()
    # Telegram numbers a person's messages one after another. A new sandbox starts again from the beginning,
    # with later dates.
    if row is not None and row.origin is not None and row.created > asked.written:
        if row.origin > asked.number:
            return None
        if row.origin == asked.number and row.nonce and (row.used or row.message or row.expires > now):
            gone = row.used is None and row.expires <= now
            return None if gone else credentials.derived_code(asked.secret, row.nonce, row.length)
    return await issue(chat, now, name, asked)


async def issue(chat: Chat, now: datetime, name: str | None = None, asked: Asked | None = None) -> str:
    """Issues a code: ten digits, or twenty while too many wrong codes are tried. It is valid for CODE_TTL.
    The chat's former code stops working. `name` is the name of the token to be made.

    Raises FieldsInvalid.
    """
    if name is not None:
        check_token_name(name)
    length = await guesses.length_of_new_code(now)
    for _ in range(TRIES):
        code, nonce = _new(asked, length)
        digest = await credentials.digest_code(code)
        try:
            await _replace(chat.id, digest, now, name, len(code), asked.number if asked else None, nonce)
        except Exception as exc:
            if not is_unique_violation(exc):  # another chat has the same digits right now
                raise
        else:
            scheduled.notify()
            return code
    raise RuntimeError(f"no free code in {TRIES} tries")


def _new(asked: Asked | None, length: int) -> tuple[str, str | None]:
    """New digits, and what they were made from if the same message may ask for them again."""
    if asked is None:
        return credentials.new_code(length), None
    nonce = credentials.new_nonce()
    return credentials.derived_code(asked.secret, nonce, length), nonce


async def _replace(
    chat_id: int,
    digest: str,
    now: datetime,
    name: str | None,
    length: int,
    origin: int | None,
    nonce: str | None,
) -> None:
    engine = current()
    async with engine.write():
        for row in await engine.fetch(LIVE_MESSAGE, chat_id, now):
            await scheduled.bring_forward(chat_id, "code", row["message"], ":replaced", now)
        await engine.execute(ISSUE, chat_id, digest, now, now + CODE_TTL, name, length, origin, nonce)


async def shown(chat_id: int, code: str, message_id: int, place: str, now: datetime) -> None:
    """Records that a message shows this code. Once the code is used, expired or replaced, the scheduled job
    `code` runs for that message, with the argument `place`, `place:used:<the token's id>`, or
    `place:replaced`."""
    engine = current()
    digest = await credentials.digest_code(code)
    async with engine.write():
        rows = await engine.execute(SHOWN, chat_id, digest, message_id)
        if rows and rows[0]["used"] is None:
            return await scheduled.put(chat_id, "code", message_id, place, rows[0]["expires"])
        await scheduled.put(chat_id, "code", message_id, f"{place}:{'used' if rows else 'replaced'}", now)


async def live(chat_id: int, code: str, now: datetime) -> Code | None:
    """This chat's code if it is the newest and can be redeemed."""
    row = await Code.objects().where(Code.chat == chat_id).first()
    if row is None or row.used is not None or row.expires <= now:
        return None
    return row if row.digest == await credentials.digest_code(code) else None


def normalise_code(code: str) -> str | None:
    """The digits of a code as people type or copy it, with spaces, line ends and dashes of any kind. None
    when it is not a code."""
    digits = "".join(
        character
        for character in code
        if not character.isspace() and unicodedata.category(character) not in ("Pd", "Cf")
    )
    if len(digits) not in (guesses.CODE_LENGTH, guesses.LONG_CODE_LENGTH):
        return None
    return digits if digits.isascii() and digits.isdigit() else None


async def redeem(
    account: Account, code: str, now: datetime, name: str | None = None, *, network: str | None = None
) -> tuple[BotToken, str]:
    """Redeems a code for a bot token. The chat is told who was linked. Returns the token's row and the token
    itself, which is not stored. `name` is the token's name, by default the code's, else the account's.
    `network` is stored as the first network of the token.

    Raises CodeInvalid, FieldsInvalid, AccountBanned, TooManyWrongCodes, AccessDenied when the account is gone
    or its password has changed. Of several who try one code at the same moment, one succeeds.
    """
    if name is not None:
        check_token_name(name)
    digits = normalise_code(code)
    if digits is None:
        raise CodeInvalid
    digest = await credentials.digest_code(digits)
    try:
        linked = await _redeem(account, digest, len(digits), now, name, network)
    except Exception as exc:
        if is_reference_violation(exc):
            raise AccessDenied from exc
        raise
    if linked is None:
        raise CodeInvalid
    chat_id, row, token = linked
    wakeups.notify_due(chat_id)
    scheduled.notify()
    return row, token


async def _redeem(
    account: Account, digest: str, length: int, now: datetime, name: str | None, network: str | None
) -> tuple[int, BotToken, str] | None:
    """None when the code was wrong; then it has been counted."""
    engine = current()
    async with engine.write():
        await _check_account(account)
        cost = await guesses.admit_in_transaction(account.id, network or "", length, now)
        used = await engine.execute(REDEEM, digest, now)
        if not used:
            if cost and not await engine.execute(ISSUED, digest):  # else it was no guess
                await guesses.count_in_transaction(cost, account.id, network or "", now)
            return None
        chat_id: int = used[0]["chat"]
        called: str = name or used[0]["name"] or account.name
        row, token = await issue_in_transaction(account.id, chat_id, called, now)
        await outbox.add_notice("linked", chat_id, now, account_id=account.id, token_id=row.id)
        if used[0]["message"]:
            await scheduled.bring_forward(chat_id, "code", used[0]["message"], f":used:{row.id}", now)
        if network is not None:
            await token_networks.know(row.id, network, now)
    return chat_id, row, token


async def _check_account(account: Account) -> None:
    """Checks the account as it is now. Raises AccountBanned, AccessDenied."""
    rows = await current().execute(SIGNED_IN, account.id)
    if not rows or rows[0]["token_version"] != account.token_version:
        raise AccessDenied
    if rows[0]["banned"]:
        raise AccountBanned
