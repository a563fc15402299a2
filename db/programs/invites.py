"""Invites: words an admin gives away. Each is good for one registration."""

from datetime import datetime, timedelta

import msgspec
import structlog
from piccolo.columns import BigInt, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db import audit, credentials
from djangobot.db.engine import current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.errors import InviteInvalid

log = structlog.get_logger(__name__)

VALID_FOR = timedelta(days=7)
KEPT_FOR = timedelta(days=30)
"""How long an invite stays in the list after its end."""


class Invite(Table, tablename="invite"):
    """The word itself is not stored. `account` is the account that was registered with it."""

    id = SerialOnce(primary_key=True)
    digest = Varchar(length=64, unique=True, secret=True)
    created = Timestamptz(default=None)
    expires = Timestamptz(default=None)
    used = Timestamptz(null=True, default=None)
    account = BigInt(null=True, default=None)
    revoked = Timestamptz(null=True, default=None)


class InviteCard(msgspec.Struct, frozen=True):
    """An invite as admins see it. `login` is the login of the account that used it; None when that account is
    gone."""

    id: int
    created: datetime
    expires: datetime
    used: datetime | None
    account: int | None
    login: str | None


MAKE = "INSERT INTO invite (digest, created, expires) VALUES ($1, $2, $3) RETURNING id"
FORGET_OLD = "DELETE FROM invite WHERE expires < $1"
USABLE = "digest = $1 AND used IS NULL AND revoked IS NULL AND expires > $2"
# ruff: noqa: S608 - the statements are put together from constants of this file.
LOOK = f"SELECT 1 AS one FROM invite WHERE {USABLE}"
USE = f"UPDATE invite SET used = $2 WHERE {USABLE} RETURNING id"
USED_BY = "UPDATE invite SET account = $2 WHERE id = $1"
REVOKE = """
UPDATE invite SET revoked = $2 WHERE id = $1 AND used IS NULL AND revoked IS NULL AND expires > $2
RETURNING id
"""
LIST = """
SELECT i.id AS id, i.created AS created, i.expires AS expires, i.used AS used, i.account AS account,
       a.login AS login
FROM invite i LEFT JOIN account a ON a.id = i.account
WHERE i.used IS NOT NULL OR (i.revoked IS NULL AND i.expires > $1) ORDER BY i.id DESC LIMIT $2 OFFSET $3
"""


async def make(by: int, now: datetime) -> tuple[int, str]:
    """Makes an invite. Returns its number, and the word, which is shown once."""
    word = credentials.new_invite()
    engine = current()
    async with engine.write():
        await engine.execute(FORGET_OLD, now - KEPT_FOR)
        rows = await engine.execute(MAKE, credentials.digest_token(word), now, now + VALID_FOR)
        number: int = rows[0]["id"]
        await audit.record(by, "invite", f"invite {number}", None, now + VALID_FOR, now)
    log.info("admin changed something", admin=by, action="invite", target=f"invite {number}")
    return number, word


async def revoke(number: int, by: int, now: datetime) -> bool:
    """Ends an invite. Returns whether it could still be used until now."""
    engine = current()
    async with engine.write():
        rows = await engine.execute(REVOKE, number, now)
        if rows:
            await audit.record(by, "revoke invite", f"invite {number}", True, False, now)
    if rows:
        log.info("admin changed something", admin=by, action="revoke invite", target=f"invite {number}")
    return bool(rows)


async def page(now: datetime, limit: int, offset: int = 0) -> list[InviteCard]:
    """The invites that can be used, and those that were used, newest first."""
    return [InviteCard(**row) for row in await current().fetch(LIST, now, limit, offset)]


async def check(word: str, now: datetime) -> None:
    """Raises InviteInvalid for an invite that can't be used now."""
    if not await current().fetch(LOOK, credentials.digest_token(_typed(word)), now):
        raise InviteInvalid


async def use_in_transaction(word: str, now: datetime) -> int:
    """Ends an invite and returns its number. The caller's transaction decides whether it was used. Of several
    who use one invite at the same moment, one succeeds. Raises InviteInvalid."""
    rows = await current().execute(USE, credentials.digest_token(_typed(word)), now)
    if not rows:
        raise InviteInvalid
    number: int = rows[0]["id"]
    return number


async def used_by(number: int, account_id: int) -> None:
    """Records whose registration used the invite, in the same transaction."""
    await current().execute(USED_BY, number, account_id)


def _typed(word: str) -> str:
    """Strips the white space that people copy with the word."""
    return word.strip()
