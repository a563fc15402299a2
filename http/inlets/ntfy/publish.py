"""For clients of ntfy: PUT and POST to /{topic}, POST to / with JSON, and GET of /{topic}/publish. The topic
is the bot token, or any name beside a bot token in Authorization."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.types import Method, Scope

from djangobot.db import credentials
from djangobot.db.clock import utc_now
from djangobot.db.people import chats
from djangobot.http.body.bodies import header_of
from djangobot.http.inlets.common.accept import accept, sender_of
from djangobot.http.inlets.common.errors import in_shape
from djangobot.http.inlets.common.request import InletRequest, query_of, read_request
from djangobot.http.inlets.common.tokens import likeliest, of_base64, tokens_in
from djangobot.http.inlets.ntfy import delays, parameters
from djangobot.http.inlets.ntfy.parameters import Parameters
from djangobot.http.inlets.ntfy.publication import (
    TOPIC,
    PublicationRefused,
    message_of,
    of_json,
    published,
    read,
)
from djangobot.http.responses import Answer, Call, answer

PUBLISHING = ("publish", "send", "trigger")
"""GET of /{topic}/… with one of these words publishes what its query says."""
AUTHENTICATION = "https://ntfy.sh/docs/publish/#authentication"
CODES = {401: 40101, 403: 40301, 404: 40401, 413: 41301, 429: 42901, 503: 50001, 500: 50001}


class NtfyError(msgspec.Struct, omit_defaults=True):
    """ntfy's error object."""

    code: int
    http: int
    error: str
    link: str = ""


def error_of(status: int, sentence: str, exc: Exception) -> NtfyError | None:
    """A refusal as ntfy words it. An address that is none of ours is answered as everywhere."""
    if isinstance(exc, NotFoundException):
        return None
    code = exc.code if isinstance(exc, PublicationRefused) else CODES.get(status, status * 100)
    return NtfyError(code, status, sentence, AUTHENTICATION if status == 401 else "")


SHAPED = in_shape(error_of)


METHODS: list[Method] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Of an address that is none of ours, every method is answered with 404."""
OPTIONS = {"query": True, "own_options": True}


@HTTPRouteHandler("/", http_method=METHODS, opt=OPTIONS, exception_handlers=SHAPED)
async def publish_json(request: Call) -> Answer:
    """JSON with the topic in it."""
    if request.method not in ("PUT", "POST"):
        raise NotFoundException
    sent = await read_request(request.scope, request.receive)
    if not tokens_of(request.scope) and b'"topic"' not in sent.body.lower():
        raise NotFoundException
    fields = of_json(sent)
    topic = fields.get("topic")
    if not isinstance(topic, str) or not TOPIC.fullmatch(topic):
        raise PublicationRefused(40009, "invalid request: topic invalid")
    return await _publish(request, topic, sent=sent, fields=fields)


@HTTPRouteHandler("/{bot_token:str}", http_method=METHODS, opt=OPTIONS, exception_handlers=SHAPED)
async def publish(request: Call) -> Answer:
    """The body as the text or as a file."""
    topic: str = request.path_params["bot_token"]
    if request.method not in ("PUT", "POST") or not _is_ours(request.scope, topic):
        raise NotFoundException
    return await _publish(request, topic)


@HTTPRouteHandler("/{bot_token:str}/{more:str}", http_method=METHODS, opt=OPTIONS, exception_handlers=SHAPED)
async def publish_in_sequence(request: Call) -> Answer:
    """The same with the sequence id in the path, or with everything in the query of a GET."""
    topic, more = request.path_params["bot_token"], request.path_params["more"]
    by_get = request.method == "GET" and more in PUBLISHING
    if not (by_get or request.method in ("PUT", "POST")) or not _is_ours(request.scope, topic):
        raise NotFoundException
    if not TOPIC.fullmatch(more):
        raise NotFoundException
    return await _publish(request, topic, sequence="" if by_get else more)


def tokens_of(scope: Scope) -> list[str]:
    """What may be a bot token in Authorization, or in the query's `auth`, which holds the same in base64."""
    query = query_of(scope)
    in_query = of_base64(query.get("auth") or query.get("authorization") or "")
    return tokens_in(in_query or header_of(scope, b"authorization") or "")


async def _publish(
    request: Call,
    topic: str,
    *,
    sent: InletRequest | None = None,
    fields: dict[str, Any] | None = None,
    sequence: str = "",
) -> Answer:
    """The token is checked before the body is read, if the topic is in the path. 200 means that the message
    is on disk."""
    token = likeliest([*tokens_of(request.scope), topic])
    sender = await sender_of(request.scope, token)
    sent = sent or await read_request(request.scope, request.receive)
    now = utc_now()
    delay = Parameters(sent, fields).text(parameters.DELAY)
    if delay and delays.is_spoken(delay):
        now = await _local_time(sender.chat, now)
    # In a thread: the first spoken time and the first emoji load their libraries.
    publication = await asyncio.to_thread(read, sent, topic, now, fields, sequence)
    tag = "" if credentials.looks_like_token(topic) else topic
    message = await asyncio.to_thread(message_of, publication, tag)
    accepted = await accept(request.scope, token, sender, message, "ntfy")
    return answer(published(publication, accepted, now))


async def _local_time(chat_id: int, now: datetime) -> datetime:
    """The time in the chat."""
    chat = await chats.get(chat_id)
    return now.astimezone(UTC if chat is None else chat.chat_settings.clock)


def _is_ours(scope: Scope, topic: str) -> bool:
    """Whether this is meant for us: a program that has mistaken an address is told so as everywhere."""
    given = tokens_of(scope)
    return TOPIC.fullmatch(topic) is not None and (
        any(credentials.looks_like_token(one) for one in (topic, *given)) or len(given) > 1
    )
