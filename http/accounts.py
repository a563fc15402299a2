"""/api/user/: registers, changes and removes an account."""

from contextlib import AbstractContextManager, nullcontext

import msgspec
from litestar import delete, post, put
from msgspec import UNSET, UnsetType

from djangobot.db.clock import utc_now
from djangobot.db.errors import LoginTaken
from djangobot.db.programs import account_networks, accounts
from djangobot.http.auth import signed_in
from djangobot.http.errors import Refused
from djangobot.http.fields import Invite, Login, Name, Password, RevokeTokens
from djangobot.http.limits import address_of
from djangobot.http.requests import Reader, given
from djangobot.http.responses import Answer, Answered, Call, answer
from djangobot.http.state import state_of


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to send messages; `name` is what people in Telegram see."""

    name: Name
    login: Login
    psw: Password
    invite: Invite | UnsetType = UNSET


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed; what is left out stays."""

    name: Name | UnsetType = UNSET
    login: Login | UnsetType = UNSET
    psw: Password | UnsetType = UNSET
    revoke_tokens: RevokeTokens | UnsetType = UNSET


class Changed(msgspec.Struct):
    """`bot_tokens` says how many live; it is there after a new password, and where they were to be
    revoked."""

    answer: str
    bot_tokens: int | UnsetType = UNSET


class DeleteAccount(msgspec.Struct, forbid_unknown_fields=True):
    """All may be left out; a `login` or `psw` that is given must be this account's; `name` is ignored."""

    name: str | UnsetType = UNSET
    login: str | UnsetType = UNSET
    psw: str | UnsetType = UNSET


NEW_ACCOUNT = Reader(NewAccount)
CHANGES = Reader(Changes)
FAREWELL = Reader(DeleteAccount, may_be_empty=True)


@post("/api/user")
async def register(request: Call) -> Answer:
    here = state_of(request.scope)
    new = await NEW_ACCOUNT.of(request)
    with here.limits.registration(address_of(request.scope)):
        await accounts.register(
            new.name,
            new.login,
            new.psw,
            utc_now(),
            registration=here.door.registration,
            invite=given(new.invite),
        )
    return answer(Answered("success"), 201)


@put("/api/user")
async def change(request: Call) -> Answer:
    account = await signed_in(request)
    wanted = await CHANGES.of(request)
    if wanted == Changes():
        raise Refused(400, "Nothing to change was given; name, login, psw and revoke_tokens can be.")
    now = utc_now()
    counted = state_of(request.scope).limits.change(
        address_of(request.scope),
        account.id,
        login=given(wanted.login) not in (None, account.login),
        password=wanted.psw is not UNSET,
    )
    try:
        with counted:
            changed = await accounts.change(
                account,
                name=given(wanted.name),
                login=given(wanted.login),
                password=given(wanted.psw),
                tokens_end=now if wanted.revoke_tokens is True else None,
            )
    except LoginTaken as exc:  # 409 for a new account; here the login belongs to somebody else
        raise Refused(403, str(exc)) from exc
    said = Changed("success data was changed")
    if changed.token_version != account.token_version or wanted.revoke_tokens is not UNSET:
        said.bot_tokens = await accounts.bot_tokens(account.id, now)
    return answer(said)


@delete("/api/user", status_code=200)
async def remove(request: Call) -> Answer:
    account = await signed_in(request)
    said = await FAREWELL.of(request)
    with await _password_asked(request, account, given(said.psw)):
        await accounts.remove(
            account,
            login=given(said.login),
            password=given(said.psw),
            now=utc_now(),
        )
    return answer(Answered("success user was deleted"))


async def _password_asked(
    request: Call, account: accounts.Account, password: str | None
) -> AbstractContextManager[None]:
    """Counts a wrong password, if one was given."""
    if password is None:
        return nullcontext()
    address = address_of(request.scope)
    known = await account_networks.known(account.login, address, utc_now())
    return state_of(request.scope).limits.password(address, account.id, account.login, known=known)
