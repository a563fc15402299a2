"""/api/user/: an account is made, changed, removed."""

from datetime import UTC, datetime

import msgspec
from litestar import delete, post, put
from msgspec import UNSET, UnsetType

from djangobot.db import accounts
from djangobot.db.errors import LoginTaken
from djangobot.http.answers import Answer, Answered, Call, answer
from djangobot.http.auth import signed_in
from djangobot.http.door import inside
from djangobot.http.errors import Refused
from djangobot.http.fields import Login, Name, Password
from djangobot.http.limits import address_of
from djangobot.http.reading import Reader, given


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to send messages; `name` is what people in Telegram see."""

    name: Name
    login: Login
    psw: Password


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed; what is left out stays."""

    name: Name | UnsetType = UNSET
    login: Login | UnsetType = UNSET
    psw: Password | UnsetType = UNSET


class Farewell(msgspec.Struct, forbid_unknown_fields=True):
    """All may be left out; a `login` or `psw` that is given must be this account's; `name` is ignored."""

    name: str | UnsetType = UNSET
    login: str | UnsetType = UNSET
    psw: str | UnsetType = UNSET


NEW_ACCOUNT = Reader(NewAccount)
CHANGES = Reader(Changes)
FAREWELL = Reader(Farewell, may_be_empty=True)


@post("/api/user")
async def register(request: Call) -> Answer:
    new = await NEW_ACCOUNT.of(request)
    with inside(request.scope).limits.registration(address_of(request.scope)):
        await accounts.register(new.name, new.login, new.psw, datetime.now(UTC))
    return answer(Answered("success"), 201)


@put("/api/user")
async def change(request: Call) -> Answer:
    account = await signed_in(request)
    wanted = await CHANGES.of(request)
    if wanted == Changes():
        raise Refused(400, "Nothing to change was given; name, login and psw can be changed.")
    with inside(request.scope).limits.hashing.enter():
        try:
            await accounts.change(
                account, name=given(wanted.name), login=given(wanted.login), password=given(wanted.psw)
            )
        except LoginTaken as exc:  # 409 to a newcomer; here it is somebody else's property
            raise Refused(403, str(exc)) from exc
    return answer(Answered("success data was changed"))


@delete("/api/user", status_code=200)
async def remove(request: Call) -> Answer:
    account = await signed_in(request)
    said = await FAREWELL.of(request)
    with inside(request.scope).limits.hashing.enter():
        await accounts.remove(
            account,
            login=given(said.login),
            password=given(said.psw),
            now=datetime.now(UTC),
        )
    return answer(Answered("success user was deleted"))
