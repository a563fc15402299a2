"""Who is calling: POST /api/auth/ hands out access tokens, and the other calls ask here whose they are."""

from datetime import UTC, datetime

import msgspec
from litestar import post
from litestar.types import Scope

from djangobot.db import accounts
from djangobot.http.answers import Answer, Call, answer
from djangobot.http.door import inside
from djangobot.http.errors import unauthorized
from djangobot.http.fields import Login, Password
from djangobot.http.limits import address_of
from djangobot.http.reading import Reader, header_of


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What an account signs in with."""

    login: Login
    psw: Password


class SignedIn(msgspec.Struct):
    answer: str
    access_token: str


CREDENTIALS = Reader(Credentials)


@post("/api/auth")
async def sign_in(request: Call) -> Answer:
    here = inside(request.scope)
    who = await CREDENTIALS.of(request)
    with here.limits.sign_in(address_of(request.scope), who.login):
        account = await accounts.sign_in(who.login, who.psw)
    token = here.signer.issue(account.id, account.token_version, datetime.now(UTC))
    return answer(SignedIn("success", token))


async def signed_in(request: Call) -> accounts.Account:
    """The account whose access token came with the call; AccessDenied when it is no living one's."""
    token = bearer(request.scope)
    if token is None:
        raise unauthorized(
            "Sign in with POST /api/auth/ and send the token: Authorization: Bearer <access_token>."
        )
    return await accounts.authenticate(*inside(request.scope).signer.read(token))


def bearer(scope: Scope) -> str | None:
    """The token of `Authorization: Bearer …`; also in the quotes the original's document puts around it."""
    header = header_of(scope, b"authorization")
    if header is None:
        return None
    scheme, _, token = header.strip(' "').partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
