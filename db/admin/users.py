"""Users, as admins see them: accounts and chats, how they are linked, and what admins may do about them. Bans
have a file of their own. Admins never see what people were sent.

Each change and its audit entry are one transaction. A change holds at once in every process, because the
database is asked each time.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

import msgspec

from djangobot.db import audit
from djangobot.db.admin import admins
from djangobot.db.delivery import outcomes, removal
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.engine import current
from djangobot.db.errors import AccessDenied, UserIsAdmin
from djangobot.db.people import erasure, guesses
from djangobot.db.programs import accounts, attempts

Kind = Literal["account", "chat"]
COUNTED_MOST = 10_000
"""Newest messages that are counted for a card."""
LINKS = 10
"""Links on a card."""


class Found(msgspec.Struct, frozen=True):
    """`handle` is an account's login, or a person's username."""

    kind: Kind
    id: int
    name: str
    handle: str
    banned: bool


class Link(msgspec.Struct, frozen=True):
    """The other side of a card's usable tokens: how many, and when one of them was used last. Number 0 stands
    for a person's own tokens, which belong to no account."""

    id: int
    name: str
    tokens: int
    last_used: datetime | None


class User(msgspec.Struct, frozen=True):
    """An account or a chat. `messages`: its newest COUNTED_MOST messages, counted by status. `seen`: when an
    account's token was used last, or when a person wrote last. `blocked`: the person has blocked the bot."""

    kind: Kind
    id: int
    name: str
    handle: str
    created: datetime
    seen: datetime | None
    banned: datetime | None
    blocked: datetime | None
    messages: dict[str, int]
    tokens: int
    links: list[Link]


# Without words, all users match; newest first. `\\` escapes the wildcards of LIKE.
SEARCH = """
SELECT kind, id, name, handle, banned FROM (
    SELECT 'account' AS kind, id, name, login AS handle, banned, created FROM account
    UNION ALL
    SELECT 'chat' AS kind, id, TRIM(first_name || ' ' || last_name) AS name, username AS handle, banned,
           created
    FROM chat
) one
WHERE LOWER(name) LIKE $1 ESCAPE '\\' OR LOWER(handle) LIKE $1 ESCAPE '\\' OR CAST(id AS VARCHAR(20)) = $2
ORDER BY created DESC, kind, id LIMIT $3 OFFSET $4
"""
ACCOUNT = """
SELECT id, name, login AS handle, created, banned,
       (SELECT MAX(t.last_used) FROM bot_token t WHERE t.account = account.id) AS seen
FROM account WHERE id = $1
"""
CHAT = """
SELECT id, TRIM(first_name || ' ' || last_name) AS name, username AS handle, created, banned, blocked, seen
FROM chat WHERE id = $1
"""
COUNTS = {
    "account": """
SELECT status, COUNT(*) AS messages FROM (
    SELECT status FROM message WHERE account = $1 AND kind = 'message' ORDER BY id DESC LIMIT $2
) newest GROUP BY status
""",
    "chat": """
SELECT status, COUNT(*) AS messages FROM (
    SELECT status FROM message WHERE chat = $1 AND kind = 'message' ORDER BY created DESC, id DESC LIMIT $2
) newest GROUP BY status
""",
}
LIVING = "t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2)"
# ruff: noqa: S608 - the statements are put together from constants of this file.
TOKENS = {
    "account": f"SELECT COUNT(*) AS tokens FROM bot_token t WHERE t.account = $1 AND {LIVING}",
    "chat": f"SELECT COUNT(*) AS tokens FROM bot_token t WHERE t.chat = $1 AND {LIVING}",
}
LINKED = {
    "account": f"""
SELECT c.id AS id, TRIM(c.first_name || ' ' || c.last_name) AS name, COUNT(*) AS tokens,
       MAX(t.last_used) AS last_used
FROM bot_token t JOIN chat c ON c.id = t.chat WHERE t.account = $1 AND {LIVING}
GROUP BY c.id, c.first_name, c.last_name ORDER BY tokens DESC, c.id LIMIT $3
""",
    "chat": f"""
SELECT COALESCE(a.id, 0) AS id, COALESCE(a.name, '') AS name, COUNT(*) AS tokens,
       MAX(t.last_used) AS last_used
FROM bot_token t LEFT JOIN account a ON a.id = t.account WHERE t.chat = $1 AND {LIVING}
GROUP BY a.id, a.name ORDER BY tokens DESC, a.id LIMIT $3
""",
}
SIGN_OUT = "UPDATE account SET token_version = token_version + 1 WHERE id = $1 RETURNING token_version"


async def search(words: str, limit: int, offset: int = 0) -> list[Found]:
    """Accounts and chats whose name, login or username contains these words, or whose number it is."""
    plain = " ".join(words.split()).removeprefix("@").lower()
    escaped = plain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = await current().fetch(SEARCH, f"%{escaped}%", plain, limit, offset)
    return [Found(**{**row, "banned": row["banned"] is not None}) for row in rows]


async def get(kind: Kind, number: int, now: datetime) -> User | None:
    """An account or a chat with all its details; None when there is none."""
    engine = current()
    rows = await engine.fetch(ACCOUNT if kind == "account" else CHAT, number)
    if not rows:
        return None
    counts = await engine.fetch(COUNTS[kind], number, COUNTED_MOST)
    links = await engine.fetch(LINKED[kind], number, now, LINKS)
    found = {"blocked": None, **rows[0], "seen": _moment(rows[0]["seen"])}
    return User(
        kind=kind,
        messages={row["status"]: row["messages"] for row in counts},
        tokens=(await engine.fetch(TOKENS[kind], number, now))[0]["tokens"],
        links=[Link(**{**row, "last_used": _moment(row["last_used"])}) for row in links],
        **found,
    )


async def name(kind: Kind, number: int) -> str:
    """The name of an account or a chat. Empty when it is gone or has no name."""
    rows = await current().fetch(ACCOUNT if kind == "account" else CHAT, number)
    return str(rows[0]["name"]) if rows else ""


async def sign_out(account_id: int, by: int, now: datetime) -> bool:
    """Ends all access tokens of an account; its bot tokens stay. False when there is no such account."""
    async with audit.audited(by, "sign out", f"account {account_id}", None, None, now) as done:
        if await current().execute(SIGN_OUT, account_id):
            done()
    return done.was


async def reset_limits(account_id: int, by: int, now: datetime) -> bool:
    """Clears the account's failures to sign in and to redeem codes, in every process. False when there is no
    such account."""
    rows = await current().fetch("SELECT login FROM account WHERE id = $1", account_id)
    if not rows:
        return False
    async with current().write():
        await guesses.forgive(account_id)
        await attempts.forgive(account_id, rows[0]["login"])
        await audit.record(by, "reset limits", f"account {account_id}", None, None, now)
    accounts.LIMITS_RESET.publish(account_id)
    return True


async def delete(kind: Kind, number: int, by: int, now: datetime, *, of_settings: Collection[int]) -> bool:
    """Deletes an account as if its owner had removed it, or a chat as if the person had erased everything.
    False when it is gone. `of_settings`: the admins of the settings.

    Raises UserIsAdmin.
    """
    unsettled: list[str] = []
    chats: list[int] = []
    await refuse_admin(kind, number, of_settings)
    await (removal.of_account(number, now) if kind == "account" else removal.of_chat(number, now))
    try:
        async with audit.audited(by, "delete", f"{kind} {number}", True, False, now) as done:
            await refuse_admin(kind, number, of_settings)
            if kind == "account":
                chats, unsettled = await accounts.remove_in_transaction(number, now)
            else:
                unsettled = await erasure.erase_in_transaction(number, now)
            done()
    except AccessDenied:
        return False
    await erasure.notify_canceled(unsettled, outcomes.DELETED_BY_ADMIN)
    for chat in chats:
        wakeups.notify_due(chat)
    return True


async def refuse_admin(kind: Kind, number: int, of_settings: Collection[int]) -> None:
    """Raises UserIsAdmin: admins are neither banned nor deleted."""
    if kind == "chat" and await admins.is_admin(number, of_settings):
        raise UserIsAdmin


def _moment(value: datetime | str | None) -> datetime | None:
    """Parses a time: SQLite loses the type of the result of MAX."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
