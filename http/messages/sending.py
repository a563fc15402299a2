"""/api/send_message, the hot path."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec
from litestar import asgi
from litestar.exceptions import MethodNotAllowedException
from litestar.types import Receive, Scope, Send
from msgspec import UNSET, UnsetType

from djangobot.db.clock import utc_now
from djangobot.db.delivery import outcomes
from djangobot.db.errors import ChatBlocked
from djangobot.db.fields import whole_number
from djangobot.db.messages import acceptance, schedule
from djangobot.db.messages.files.files import StoredFile
from djangobot.db.messages.files.incoming_files import IncomingFiles, incoming_files
from djangobot.db.messages.new_message import Accepted, NewMessage
from djangobot.http.access_log import note_caller
from djangobot.http.addresses import network_of
from djangobot.http.auth import bearer, bot_token
from djangobot.http.body.bodies import TOO_LARGE, body_of, content_type, header_of, within_limit
from djangobot.http.body.fields import (
    BotToken,
    Buttons,
    Delay,
    Files,
    Format,
    Preview,
    Progress,
    Replace,
    ReplyTo,
    SendAt,
    Silent,
    Tags,
    Text,
    Title,
    Ttl,
    Type,
    Urgent,
)
from djangobot.http.body.multipart import is_multipart
from djangobot.http.body.optional import given, or_unset
from djangobot.http.body.requests import (
    FORM,
    PLAIN,
    TEXT_AS_IT_IS,
    Reader,
    looks_like_json,
    plain_text,
    refuse_query,
)
from djangobot.http.errors import fields_refused
from djangobot.http.messages.files import check_sender, read_form, read_json
from djangobot.http.responses import HEADERS, JSON
from djangobot.http.state import state_of

SEND_MESSAGE = "/api/send_message"
LONGEST_WAIT = 60.0
"""Seconds a caller may ask us to wait for Telegram, at most."""
LARGEST_TEXT = 1024 * 1024
"""Bytes of a form or a plain text, and of JSON without files. The longest text, 65 536 characters, takes 768
KiB when each is written as two \\uXXXX escapes."""
LARGEST_JSON = 8 * 1024 * 1024
"""Bytes of JSON with files, which is kept in memory: about 6 MB of files in base64."""
JSON_TOO_LARGE = f"{TOO_LARGE} Larger files are sent as multipart/form-data."
EXPIRED = "The message expired before it could be delivered."


class SendMessage(msgspec.Struct, forbid_unknown_fields=True):
    """A message for the person whose code the bot token came from."""

    text: Text
    type: Type = "Text"
    bot_token: BotToken | UnsetType = UNSET
    urgent: Urgent = False
    ttl: Ttl | UnsetType = UNSET
    format: Format = "plain"
    title: Title = ""
    tags: Tags = ()
    silent: Silent = False
    preview: Preview = False
    progress: Progress | UnsetType = UNSET
    buttons: Buttons = ()
    files: Files = ()
    delay: Delay | UnsetType = UNSET
    send_at: SendAt | UnsetType = UNSET
    replace: Replace | UnsetType = UNSET
    reply_to: ReplyTo | UnsetType = UNSET


class SendResult(msgspec.Struct, omit_defaults=True):
    """What became of the message within the wait. `failure` is the reason when it was not sent."""

    answer: str
    id: str
    status: str
    failure: str | UnsetType = UNSET


BODY = Reader(SendMessage, otherwise=TEXT_AS_IT_IS, instead={"text": "files"})


class Reply(NamedTuple):
    """An answer that is still to be written."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


@asgi(SEND_MESSAGE, copy_scope=False)
async def send_message(scope: Scope, receive: Receive, send: Send) -> None:
    """Uses ASGI directly, without Litestar's Request and Response. Measurements show it is twice as fast."""
    if scope.get("method") != "POST":
        return await _other_method(scope, send)
    await (await accept(scope, receive)).write(send)


async def accept(scope: Scope, receive: Receive) -> Reply:
    """Accepts the message of a POST."""
    refuse_query(scope)
    if is_multipart(scope):
        async with incoming_files() as incoming:
            message = read_fields(await read_form(scope, receive, incoming), incoming)
            return await _accept_with_files(scope, message, incoming)
    message = read(scope, await body_of(scope, receive, LARGEST_JSON, JSON_TOO_LARGE))
    if message.files:
        async with incoming_files() as incoming:
            return await _accept_with_files(scope, message, incoming)
    return await _accept(scope, message)


async def _accept_with_files(scope: Scope, message: SendMessage, incoming: IncomingFiles) -> Reply:
    """Accepts a message with the files of its form, and those of its JSON, which are stored here."""
    if message.files:
        await check_sender(scope, given(message.bot_token), incoming)
        await read_json(message.files, incoming)
        message.files = ()  # not kept in memory while the sender waits
    return await _accept(scope, message, tuple(incoming.stored))


async def _accept(scope: Scope, message: SendMessage, stored: tuple[StoredFile, ...] = ()) -> Reply:
    state = state_of(scope)
    token = bot_token(scope, given(message.bot_token))
    if token is None:
        raise fields_refused({"bot_token": "is missing, in the body and as Authorization: Bearer"})
    wait, applied = preferred(header_of(scope, b"prefer") or "")
    if wait is None:
        wait = state.config.send_wait
    note_caller(scope, token)
    with state.limits.sending(token):
        new = NewMessage(
            text=message.text,
            type=message.type,
            urgent=message.urgent,
            ttl=given(message.ttl),
            key=header_of(scope, b"idempotency-key"),
            wait=wait,
            network=network_of(scope),
            format=message.format,
            title=message.title,
            tags=message.tags,
            silent=message.silent,
            preview=message.preview,
            progress=given(message.progress),
            buttons=message.buttons,
            files=stored,
            delay=given(message.delay),
            send_at=given(message.send_at),
            replace=given(message.replace),
            reply_to=given(message.reply_to),
        )
        accepted = await acceptance.accept(token, new, utc_now())
    return _reply(accepted, applied)


def read(scope: Scope, body: bytes) -> SendMessage:
    """Reads the message from a body: JSON with any content type, a form, or a plain text.

    `curl -d` sends everything as a form, JSON too. With a token in the header, a plain text is the text even
    when it looks like JSON. Without one, only JSON can be meant.
    """
    if header_of(scope, b"content-type") in (None, JSON):
        return BODY.read(body)
    kind, charset = content_type(scope)
    if kind == FORM and not looks_like_json(body):
        within_limit(body, LARGEST_TEXT)
        return BODY.read_form(body)
    if kind == PLAIN and bearer(scope) is not None:
        within_limit(body, LARGEST_TEXT)
        return SendMessage(plain_text(body, charset))
    if kind == PLAIN and not looks_like_json(body):
        raise fields_refused(
            {"bot_token": "is missing; beside a plain text, send it as Authorization: Bearer"}
        )
    return BODY.read(body)


def read_fields(fields: Mapping[str, str], incoming: IncomingFiles) -> SendMessage:
    """Reads the message from the fields of multipart/form-data, which are the same as in JSON."""
    return BODY.read_fields({"text": "", **fields} if incoming.stored else fields)


@lru_cache(maxsize=64)
def _preferred(header: str) -> tuple[float | None, bytes]:
    wait: float | None = None
    at_once = False
    for preference in header.split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        name, value = name.strip().lower(), value.strip(' \t"')
        if name == "respond-async":
            at_once = True
        elif name == "wait" and wait is None and (seconds := whole_number(value, 0, 10**200)) is not None:
            wait = min(float(seconds), LONGEST_WAIT)
    applied = ["respond-async"] if at_once else []
    if wait is not None:
        applied.append(f"wait={wait:.0f}")
    elif at_once:
        wait = 0.0
    return wait, ", ".join(applied).encode()


def preferred(header: str) -> tuple[float | None, bytes]:
    """What `Prefer` (RFC 7240) asks for: (seconds to wait, None when it does not say; Preference-Applied)."""
    return _preferred(header[:200])


def outcome(accepted: Accepted) -> tuple[int, SendResult]:
    """The status and the answer for a message that is on disk, by what has become of it so far."""
    failure = or_unset(accepted.failure)
    match accepted.status:
        case "sent":
            return 200, SendResult("message was successfully send", accepted.id, "sent")
        case "queued" | "sending":
            return 202, SendResult("message was accepted", accepted.id, "queued")
        case "scheduled":
            return 202, SendResult("message was accepted", accepted.id, "scheduled")
        case "held":
            return 202, SendResult("message was accepted", accepted.id, "held")
        case "replaced":
            return 202, SendResult("message was accepted", accepted.id, "replaced")
        case "uncertain":
            return 202, SendResult("message was accepted", accepted.id, "uncertain", failure)
        case "expired":
            return 504, SendResult(EXPIRED, accepted.id, "expired", failure)
        case "failed" if accepted.failure == "blocked":
            return 403, SendResult(str(ChatBlocked()), accepted.id, "failed", "blocked")
        case "canceled":
            why = CANCELED.get(accepted.failure or "", accepted.failure or "nobody said why")
            sentence = f"The message was canceled: {why}."
            return 502, SendResult(sentence, accepted.id, "canceled", failure)
        case status:
            reason = accepted.failure or status
            return 502, SendResult(
                f"Telegram did not take the message: {reason}", accepted.id, status, failure
            )


CANCELED = {
    outcomes.ACCOUNT_BANNED: "an admin banned this account",
    outcomes.ACCOUNT_DELETED: "its owner deleted this account",
    outcomes.DELETED_BY_ADMIN: "an admin deleted the account or the person",
    outcomes.FORGOTTEN: "the person deleted everything kept about them",
    schedule.CANCELED_BY_PERSON: "the person did not want it",
    outcomes.CANCELED_BY_SENDER: "its sender did not want it any more",
    "token revoked": "the person revoked this bot token",
    "dropped": "an admin gave it up",
    "deleted": "its account or its person was deleted",
}
"""Who canceled the message, by its failure."""
COMMON = [(b"content-type", JSON.encode()), *((k.encode(), v.encode()) for k, v in HEADERS.items())]


def _reply(accepted: Accepted, applied: bytes) -> Reply:
    status, payload = outcome(accepted)
    body = msgspec.json.encode(payload)
    headers = [*COMMON, (b"content-length", b"%d" % len(body))]
    if applied:
        headers.append((b"preference-applied", applied))
    if accepted.repeated:
        headers.append((b"idempotency-replayed", b"true"))
    return Reply(status, headers, body)


async def _other_method(scope: Scope, send: Send) -> None:
    allow = "OPTIONS, POST"
    if scope.get("method") != "OPTIONS":
        raise MethodNotAllowedException(headers={"allow": allow})
    await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allow.encode())]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
