"""/api/cabinet: redeems a code from the bot for a bot token, and shows an account its history."""

from typing import Annotated

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET, Meta, UnsetType

from djangobot.db.clock import utc_now
from djangobot.db.credentials import gotify_token
from djangobot.db.messages import messages
from djangobot.db.people import codes
from djangobot.http.addresses import address_of, network_of
from djangobot.http.auth import signed_in
from djangobot.http.body.fields import Code, Long, TokenName
from djangobot.http.body.optional import given
from djangobot.http.body.requests import Reader, read_query
from djangobot.http.messages.details import Details, moment, with_details
from djangobot.http.responses import Answer, Call, answer
from djangobot.http.state import state_of

LONG = 2**63 - 1


class Redemption(msgspec.Struct, forbid_unknown_fields=True):
    """A code that the bot showed a person. `name` tells the account's bot tokens apart."""

    code: Code
    name: TokenName | UnsetType = UNSET


class Redeemed(msgspec.Struct):
    """`gotify_token` is the same bot token, for programs that take nothing but a token of Gotify's form."""

    answer: str
    bot_token: str
    gotify_token: str


class Paging(msgspec.Struct, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    before: Annotated[int, Meta(ge=1, le=LONG)] | UnsetType = UNSET
    chat: Annotated[int, Meta(ge=-LONG, le=LONG)] | UnsetType = UNSET


class HistoryItem(Details, omit_defaults=True):
    """One message of the history."""

    time: str
    text: str
    type: str
    id: str
    status: str
    chat: Long
    token: str | None


class History(msgspec.Struct):
    answer: str
    messages: list[HistoryItem]
    name: str
    next: Long | None


REDEMPTION = Reader(Redemption)


@post("/api/cabinet", status_code=200)
async def redeem(request: Call) -> Answer:
    account = await signed_in(request)
    asked = await REDEMPTION.of(request)
    async with state_of(request.scope).limits.code(address_of(request.scope), account.id):
        _, bot_token = await codes.redeem(
            account, asked.code, utc_now(), given(asked.name), network=network_of(request.scope)
        )
    return answer(Redeemed("success", bot_token, gotify_token(bot_token)))


@HTTPRouteHandler("/api/cabinet", http_method=["GET", "HEAD"], status_code=200, opt={"query": Paging})
async def history(request: Call) -> Answer:
    account = await signed_in(request)
    asked = read_query(Paging, request.scope)
    page = await messages.page(
        account.id,
        limit=asked.limit,
        before=given(asked.before),
        chat=given(asked.chat),
    )
    items = [item_of(entry) for entry in page.messages]
    return answer(History("success", items, account.name, page.next))


def item_of(entry: messages.Entry) -> HistoryItem:
    item = HistoryItem(
        time=moment(entry.time),
        text=entry.text,
        type=entry.type,
        id=entry.id,
        status=entry.status,
        chat=entry.chat,
        token=entry.token,
    )
    return with_details(item, entry)
