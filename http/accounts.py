"""/api/user/: registers, changes and removes an account."""

from contextlib import AbstractAsyncContextManager, nullcontext

import msgspec
from litestar import delete, post, put
from msgspec import UNSET, UnsetType

from djangobot.db.clock import utc_now
from djangobot.db.errors import LoginTaken
from djangobot.db.programs import account_networks, accounts
from djangobot.http.addresses import address_of
from djangobot.http.auth import signed_in
from djangobot.http.body.fields import Invite, Login, Name, Password, RevokeTokens
from djangobot.http.body.optional import given
from djangobot.http.body.requests import Reader
from djangobot.http.errors import Refused
from djangobot.http.responses import Answer, Answered, Call, answer
from djangobot.http.state import state_of


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """An account that sends messages. People in Telegram see its `name`."""

    name: Name
    login: Login
    psw: Password
    invite: Invite | UnsetType = UNSET


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """The fields to change. A field that is left out stays as it is."""

    name: Name | UnsetType = UNSET
    login: Login | UnsetType = UNSET
    psw: Password | UnsetType = UNSET
    revoke_tokens: RevokeTokens | UnsetType = UNSET


class Changed(msgspec.Struct):
    """`bot_tokens` is the number of bot tokens that are valid. It is given after a new password, and with
    `revoke_tokens`."""

    answer: str
    bot_tokens: int | UnsetType = UNSET


class DeleteAccount(msgspec.Struct, forbid_unknown_fields=True):
    """Every field may be left out. A `login` or `psw` must be this account's. `name` is ignored."""

    name: str | UnsetType = UNSET
    login: str | UnsetType = UNSET
    psw: str | UnsetType = UNSET


NEW_ACCOUNT = Reader(NewAccount)
CHANGES = Reader(Changes)
DELETE_ACCOUNT = Reader(DeleteAccount, may_be_empty=True)


@post("/api/user")
async def register(request: Call) -> Answer:
    state = state_of(request.scope)
    new = await NEW_ACCOUNT.of(request)
    with state.limits.registration(address_of(request.scope)):
        await accounts.register(
            new.name,
            new.login,
            new.psw,
            utc_now(),
            registration=state.config.registration,
            invite=given(new.invite),
        )
    return answer(Answered("success"), 201)


@put("/api/user")
async def change(request: Call) -> Answer:
    account = await signed_in(request)
    changes = await CHANGES.of(request)
    if changes == Changes():
        raise Refused(400, "Nothing to change was given; name, login, psw and revoke_tokens can be.")
    now = utc_now()
    counted = state_of(request.scope).limits.change(
        address_of(request.scope),
        account.id,
        login=given(changes.login) not in (None, account.login),
        password=changes.psw is not UNSET,
    )
    try:
        with counted:
            changed = await accounts.change(
                account,
                name=given(changes.name),
                login=given(changes.login),
                password=given(changes.psw),
                tokens_end=now if changes.revoke_tokens is True else None,
            )
    except LoginTaken as exc:  # it is 409 for a new account, and 403 here
        raise Refused(403, str(exc)) from exc
    result = Changed("success data was changed")
    if changed.token_version != account.token_version or changes.revoke_tokens is not UNSET:
        result.bot_tokens = await accounts.bot_tokens(account.id, now)
    return answer(result)


@delete("/api/user", status_code=200)
async def remove(request: Call) -> Answer:
    account = await signed_in(request)
    asked = await DELETE_ACCOUNT.of(request)
    async with await _password_limit(request, account, given(asked.psw)):
        await accounts.remove(
            account,
            login=given(asked.login),
            password=given(asked.psw),
            now=utc_now(),
        )
    return answer(Answered("success user was deleted"))


async def _password_limit(
    request: Call, account: accounts.Account, password: str | None
) -> AbstractAsyncContextManager[None]:
    """Counts a wrong password, if one was given."""
    if password is None:
        return nullcontext()
    address = address_of(request.scope)
    known = await account_networks.known(account.login, address, utc_now())
    return state_of(request.scope).limits.password(address, account.id, account.login, known=known)
