"""Accounts: the owners of programs, who register over HTTP."""

from datetime import datetime
from typing import Any, Literal

from piccolo.columns import Integer, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db.delivery import outbox, outcomes, removal, scheduled
from djangobot.db.delivery.pubsub import recalls, waiters, wakeups
from djangobot.db.delivery.pubsub.pubsub import Topic
from djangobot.db.engine import current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.engine.errors import is_unique_violation
from djangobot.db.errors import (
    AccessDenied,
    AccountBanned,
    FieldsInvalid,
    InviteMissing,
    LoginTaken,
    NotYours,
    RegistrationClosed,
    WrongCredentials,
)
from djangobot.db.fields import LOGIN_LIMIT, NAME_LIMIT, line_error, login_error
from djangobot.db.people import erasure
from djangobot.db.programs import invites, passwords, revocations

Registration = Literal["open", "closed", "invite"]
"""Who may make an account: anybody, nobody, or people with an invite."""
LIMITS_RESET: Topic[int] = Topic("djangobot_reset", int)
"""An admin lets an account try again: its id. Who counts its failures in memory clears them."""


class Account(Table, tablename="account"):
    """`token_version` grows when the password changes. Access tokens with a lower version are no longer
    valid."""

    id = SerialOnce(primary_key=True)
    name = Varchar(length=NAME_LIMIT)
    login = Varchar(length=LOGIN_LIMIT, unique=True)
    password_hash = Varchar(length=200, secret=True)
    token_version = Integer(default=1)
    created = Timestamptz()
    banned = Timestamptz(null=True, default=None)
    """From this time neither its access tokens nor its bot tokens work."""


KNOWN_AS = """
INSERT INTO scheduled_job (chat, kind, message, argument, due)
SELECT DISTINCT t.chat, 'renamed', $1::bigint, $2::text, $3::timestamptz
FROM bot_token t WHERE t.account = $1 AND t.revoked IS NULL
ON CONFLICT (chat, kind, message) DO NOTHING
"""
LIVING = """
SELECT COUNT(*) AS living FROM bot_token
WHERE account = $1 AND revoked IS NULL AND (expires IS NULL OR expires > $2)
"""


def check(*, name: str | None = None, login: str | None = None, password: str | None = None) -> None:
    """Raises FieldsInvalid with every wrong field, under the names of the API."""
    found = {
        "name": name is not None and line_error(name, NAME_LIMIT),
        "login": login is not None and login_error(login),
        "psw": password is not None and passwords.error(password),
    }
    details = {field: wrong for field, wrong in found.items() if isinstance(wrong, str)}
    if details:
        raise FieldsInvalid(details)


async def register(
    name: str,
    login: str,
    password: str,
    now: datetime,
    *,
    registration: Registration = "open",
    invite: str | None = None,
) -> Account:
    """Raises FieldsInvalid, LoginTaken. RegistrationClosed, InviteMissing and InviteInvalid come first, so
    that they don't reveal which logins exist. An invite can be used again when the registration fails."""
    if registration == "closed":
        raise RegistrationClosed
    if registration == "invite":
        if invite is None:
            raise InviteMissing
        await invites.check(invite, now)
    check(name=name, login=login, password=password)
    password_hash = await passwords.hashed(password)
    account = Account(name=name, login=login, password_hash=password_hash, token_version=1, created=now)
    if registration == "invite" and invite is not None:
        await _save_invited(account, invite, now)
    else:
        await _save(account)
    return account


async def _save_invited(account: Account, invite: str, now: datetime) -> None:
    async with current().write():
        number = await invites.use_in_transaction(invite, now)
        await _save(account)
        await invites.used_by(number, account.id)


async def sign_in(login: str, password: str) -> Account:
    """Raises WrongCredentials, after the same time whether the login exists or not; AccountBanned."""
    account = None if _unaskable(login) else await Account.objects().where(Account.login == login).first()
    known = account.password_hash if account else None
    if not await passwords.matches(password, known) or account is None:
        raise WrongCredentials
    if account.banned:
        raise AccountBanned
    if passwords.needs_rehash(account.password_hash):
        new_hash = await passwords.hashed(password)
        await Account.update({Account.password_hash: new_hash}).where(
            (Account.id == account.id) & (Account.password_hash == account.password_hash)
        )
    return account


async def authenticate(account_id: int, token_version: int) -> Account:
    """The account of an access token. Raises AccessDenied when it is gone or its password has changed,
    AccountBanned."""
    account = await Account.objects().where(Account.id == account_id).first()
    if account is None or account.token_version != token_version:
        raise AccessDenied
    if account.banned:
        raise AccountBanned
    return account


async def change(
    account: Account,
    *,
    name: str | None = None,
    login: str | None = None,
    password: str | None = None,
    tokens_end: datetime | None = None,
) -> Account:
    """Changes the fields that are given. The same password again changes nothing. `tokens_end` is the current
    time; with it, all bot tokens of the account are revoked. Raises FieldsInvalid, LoginTaken, AccessDenied
    when the account is gone."""
    check(name=name, login=login, password=password)
    values: dict[Any, Any] = {}
    if name is not None:
        values["name"] = name
    if login is not None:
        values["login"] = login
    if password is not None and not await passwords.matches(password, account.password_hash):
        values["password_hash"] = await passwords.hashed(password)
        values["token_version"] = Account.token_version + 1
    chats: set[int] = set()
    canceled: list[str] = []
    async with current().write():
        if name is not None:
            await _notify_of_name(account)
        if values and not await _update(account, values):
            raise AccessDenied
        if "password_hash" in values:  # people who knew the old password are strangers now
            await current().execute("DELETE FROM account_network WHERE account = $1", account.id)
        changed = await _again(account)
        if tokens_end is not None:
            chats, canceled = await revocations.revoke_all_in_transaction(
                changed.id, changed.name, tokens_end
            )
    for public_id in canceled:
        waiters.notify_settled(public_id, "canceled", revocations.REASON)
    for chat in chats:
        wakeups.notify_due(chat)
    scheduled.notify()
    return changed


async def _notify_of_name(account: Account) -> None:
    """Schedules a notice of the new name for the chats that let the account in. A scheduled notice
    keeps the name they know until it is sent."""
    engine = current()
    for row in await engine.execute(
        "UPDATE account SET login = login WHERE id = $1 RETURNING name", account.id
    ):
        await engine.execute(KNOWN_AS, account.id, f"0:{row['name']}", account.created)


async def bot_tokens(account_id: int, now: datetime) -> int:
    """How many of its bot tokens can be used."""
    number: int = (await current().fetch(LIVING, account_id, now))[0]["living"]
    return number


async def remove(
    account: Account, *, login: str | None = None, password: str | None = None, now: datetime
) -> None:
    """Deletes the account with its tokens and messages. The chats it could write to are told.

    Raises NotYours when a login or password is given that is not this account's, AccessDenied when the
    account is gone.
    """
    if login is not None and login != account.login:
        raise NotYours
    if password is not None and not await passwords.matches(password, account.password_hash):
        raise NotYours
    await removal.of_account(account.id, now)
    async with current().write():
        chats, unsettled = await remove_in_transaction(account.id, now)
    await erasure.notify_canceled(unsettled, outcomes.ACCOUNT_DELETED)
    for chat in chats:
        wakeups.notify_due(chat)


async def remove_in_transaction(account_id: int, now: datetime) -> tuple[list[int], list[str]]:
    """Deletes the account with all it has. The caller commits. Returns the chats, which are told and need a
    `notify_due` after the commit; and the messages that somebody may wait for, for `erasure.notify_canceled`.
    Before the transaction, the caller removes what is settled (removal.py): that may be much.

    Raises AccessDenied when it is gone.
    """
    engine = current()
    # Of two removals at once, the second waits here until the first is committed.
    rows = await engine.execute("UPDATE account SET login = login WHERE id = $1 RETURNING name", account_id)
    if not rows:
        raise AccessDenied
    chats = await engine.execute(
        "SELECT DISTINCT chat FROM bot_token WHERE account = $1 AND revoked IS NULL"
        " AND (expires IS NULL OR expires > $2)",
        account_id,
        now,
    )
    gone = await engine.execute(
        "DELETE FROM message WHERE account = $1 RETURNING public_id, status", account_id
    )
    await engine.execute("DELETE FROM bot_token WHERE account = $1", account_id)
    await engine.execute("DELETE FROM account WHERE id = $1", account_id)
    await removal.have_purged(now)
    found = [row["chat"] for row in chats]
    await outbox.add_notices("account_removed", found, now, text=rows[0]["name"])
    await recalls.record(now)
    return found, erasure.unsettled(gone)


async def _save(account: Account) -> None:
    try:
        await account.save()
    except Exception as exc:
        if is_unique_violation(exc):
            raise LoginTaken from exc
        raise


async def _update(account: Account, values: dict[Any, Any]) -> bool:
    try:
        changed = await Account.update(values).where(Account.id == account.id).returning(Account.id)
    except Exception as exc:
        if is_unique_violation(exc):
            raise LoginTaken from exc
        raise
    return bool(changed)


async def _again(account: Account) -> Account:
    found = await Account.objects().where(Account.id == account.id).first()
    if found is None:
        raise AccessDenied
    return found


def _unaskable(login: str) -> bool:
    """Whether nobody can have this login. PostgreSQL would not even compare it."""
    return any(character == "\0" or "\ud800" <= character <= "\udfff" for character in login)
