"""Authentication: POST /api/auth/ issues access tokens. The other calls look up here the account or the bot
token that they came with."""

import contextlib

import msgspec
from litestar import post
from litestar.types import Scope

from djangobot.db.clock import utc_now
from djangobot.db.credentials import trimmed
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.programs import account_networks, accounts
from djangobot.http.access_log import note_caller
from djangobot.http.addresses import address_of
from djangobot.http.body.bodies import header_of
from djangobot.http.body.fields import KnownPassword, Login
from djangobot.http.body.requests import Reader
from djangobot.http.errors import fields_refused, unauthorized
from djangobot.http.responses import Answer, Call, answer
from djangobot.http.state import state_of


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What an account signs in with."""

    login: Login
    psw: KnownPassword


class SignedIn(msgspec.Struct):
    answer: str
    access_token: str


CREDENTIALS = Reader(Credentials)


@post("/api/auth")
async def sign_in(request: Call) -> Answer:
    state = state_of(request.scope)
    who = await CREDENTIALS.of(request)
    login = who.login.strip()  # no login has white space at its ends; the same login is counted and looked up
    now, address = utc_now(), address_of(request.scope)
    known = await account_networks.known(login, address, now)
    async with state.limits.sign_in(address, login, known=known):
        account = await accounts.sign_in(login, who.psw)
    with contextlib.suppress(DatabaseUnavailable):  # signing in does not need the write
        await account_networks.note(account.id, address, now)
    token = state.signer.issue(account.id, account.token_version, now)
    return answer(SignedIn("success", token))


async def signed_in(request: Call) -> accounts.Account:
    """The account whose access token came with the call. Raises AccessDenied when the token is not valid."""
    token = bearer(request.scope)
    if token is None:
        raise unauthorized(
            "Sign in with POST /api/auth/ and send the token: Authorization: Bearer <access_token>."
        )
    account = await accounts.authenticate(*state_of(request.scope).signer.read(token))
    note_caller(request.scope, account.id)
    return account


def bearer(scope: Scope) -> str | None:
    """The token of `Authorization: Bearer …`."""
    scheme, token = authorization(header_of(scope, b"authorization") or "")
    return token if scheme == "bearer" else None


def bot_token(scope: Scope, given: str | None) -> str | None:
    """The bot token, from a field or from the header. Both may be given only if they are equal."""
    header = bearer(scope)
    if given is None:
        return header
    token = trimmed(given)
    if header is not None and header != token:
        raise fields_refused({"bot_token": "is not the one in the Authorization header"})
    return token


def authorization(header: str) -> tuple[str, str]:
    """The scheme in lower case, and what follows it. The header may stand in quotes, as in the original's
    document."""
    if not header.isascii():
        header = header.encode("latin-1", "replace").decode("utf-8", "replace")
    scheme, _, given = header.strip(' "').partition(" ")
    return scheme.lower(), trimmed(given)
