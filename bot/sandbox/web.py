"""The web port: the chat page and the JSON API that tests and the page share.

Errors are `{"error": "<a sentence>"}` with a fitting status. Ids are numbers; times are seconds since 1970.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from litestar import Litestar, Request, Response, delete, get, post
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.response import File as FileResponse
from litestar.response import ServerSentEvent, ServerSentEventMessage

from djangobot.bot.sandbox.api import callbacks
from djangobot.bot.sandbox.api.messages import say
from djangobot.bot.sandbox.faults import FaultOrder
from djangobot.bot.sandbox.schema import TL
from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.settings import Settings
from djangobot.bot.sandbox.world import Chat, Event, Message, Refused, User

PAGE = Path(__file__).parent / "page"
# What the page may do: load from here and nothing else. Not by the machine's own table of file types.
PAGE_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# A file a bot has sent is shown or saved, and runs nothing even when it is opened by itself.
FILE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
    ),
    "X-Content-Type-Options": "nosniff",
}
# The page shows more as "99+".
MAX_UNREAD = 100
_JSON = "application/json"
# Of Sec-Fetch-Site, which browsers send: the page itself, or the person.
_OWN_SITES = ("same-origin", "none")
# Seconds between two looks at who is connected, while a page is open.
BOTS_LOOK = 2.0
# A person's client would not let them type more.
MAX_SAID = 4096
MAX_WAIT = 60.0

_ENTITY_NAMES = {
    "messageEntityTextUrl": "text_link",
    "messageEntityMentionName": "text_mention",
    "messageEntityStrike": "strikethrough",
    "messageEntityBotCommand": "bot_command",
    "messageEntityCustomEmoji": "custom_emoji",
    "messageEntityPhone": "phone_number",
    "messageEntityBankCard": "bank_card",
}


class Problem(Exception):
    """A refusal with its status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class NewPerson(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /people."""

    first_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    id: Annotated[int, msgspec.Meta(gt=0, lt=1 << 52)] | None = None
    last_name: Annotated[str, msgspec.Meta(max_length=64)] = ""
    username: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z]\w{2,31})?$")] = ""
    language: Annotated[str, msgspec.Meta(pattern=r"^([a-z]{2}(-[A-Za-z]+)?)?$")] = ""


class Said(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/say."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SAID)]
    bot: int | None = None


class Pressed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/press."""

    message_id: int
    data: Annotated[str, msgspec.Meta(min_length=1)]
    bot: int | None = None


class Aimed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/block, /unblock and /read: the body may be absent."""

    bot: int | None = None


class SettingsChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """POST /settings: the settings to change."""

    repeats: str | msgspec.UnsetType = msgspec.UNSET
    answers: str | msgspec.UnsetType = msgspec.UNSET
    resend_answers: bool | msgspec.UnsetType = msgspec.UNSET
    keep_updates: bool | msgspec.UnsetType = msgspec.UNSET
    strict_limits: bool | msgspec.UnsetType = msgspec.UNSET
    press_timeout: float | msgspec.UnsetType = msgspec.UNSET
    code: str | msgspec.UnsetType = msgspec.UNSET


class App(Litestar):
    """Litestar without its plugins for pydantic and attrs: we use neither, and importing pydantic takes as
    long as a fifth of the start."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


class Web:
    """The JSON API over one server."""

    def __init__(self, telegram: TelegramServer, first_steps: str = "") -> None:
        self.telegram = telegram
        self.first_steps = first_steps
        self.world = telegram.world
        self.world.changed = self._changed
        telegram.on_typing = self._typing
        self._listeners: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Ends what waits, so that the port can close."""
        self._stopped.set()
        for queue in self._listeners:
            queue.put_nowait(None)

    # ---- people and bots

    def add_person(self, order: NewPerson) -> dict[str, Any]:
        """A person; with an id that is known, their new names."""
        try:
            person = self.world.person(
                order.id, order.first_name, order.last_name, order.username, order.language
            )
        except Refused as exc:
            raise Problem(409, str(exc)) from exc
        self.telegram.touch()
        self._tell({"kind": "person", "person": _person(person)})
        return {"id": person.id}

    def people(self, bot: int | None) -> list[dict[str, Any]]:
        """Everyone, with the state of their chat with the bot."""
        number = self._bot(bot) if bot is not None or self.world.bots else None
        return [
            {
                **_person(user),
                **_chat(self.world.chats.get((number or 0, user.id))),
                **self._heard(number or 0, user.id),
            }
            for user in self.world.users.values()
            if not user.bot
        ]

    def bots(self) -> list[dict[str, Any]]:
        """The bots, the default one first."""
        return [
            {
                "id": bot.id,
                "first_name": bot.first_name,
                "username": bot.username,
                "connected": self.telegram.connected(bot.id),
            }
            for bot in (self.world.users[number] for number in self.world.bots)
        ]

    # ---- chats

    def say(self, person: int, order: Said) -> dict[str, Any]:
        """The person writes to the bot."""
        bot = self._bot(order.bot)
        who = self._person(person)
        if who.deleted:
            raise Problem(409, "this account is deleted")
        if not order.text.strip():
            raise Problem(400, "text must hold more than white space")
        if self.world.chat(bot, person).blocked:
            raise Problem(409, "the person has blocked the bot: unblock it first")
        message = say(self.world, bot, person, order.text)
        return {"id": message.id}

    async def press(self, person: int, order: Pressed) -> dict[str, Any]:
        """The person presses an inline button; holds until the bot has answered."""
        bot = self._bot(order.bot)
        self._person(person)
        message = self._message(bot, person, order.message_id)
        data = order.data.encode()
        if not callbacks.has_button(message, data):
            raise Problem(400, f"message {order.message_id} has no button with this data")
        query = self.world.press(bot, person, message, data)
        wait = asyncio.ensure_future(
            callbacks.wait_for_answer(self.world, query, self.telegram.settings.press_timeout)
        )
        stopped = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait([wait, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        answer = wait.result() if wait.done() else None
        if answer is None:
            wait.cancel()
            return {"answer": None, "alert": False, "url": None, "timeout": True}
        return {
            "answer": answer["message"] or "",
            "alert": answer["alert"],
            "url": answer["url"],
            "timeout": False,
        }

    def block(self, person: int, bot: int | None, blocked: bool) -> dict[str, Any]:
        """The person blocks or unblocks the bot."""
        number = self._bot(bot)
        self._person(person)
        changed = self.world.block(number, person, blocked)
        self._tell({"kind": "blocked" if blocked else "unblocked", "bot": number, "chat": person})
        return {"blocked": blocked, "changed": changed}

    def read(self, person: int, bot: int | None) -> dict[str, Any]:
        """The person has read all of the chat."""
        number = self._bot(bot)
        self._person(person)
        history = self.world.history(number, person)
        event = self.world.read(person, number, person, history[-1].person_side_id) if history else None
        if event is not None:
            self.telegram.touch()
            self._tell({"kind": "read", "bot": number, "chat": person})
        return {"changed": event is not None}

    def deactivate(self, person: int) -> dict[str, Any]:
        """The person deletes their account."""
        user = self._person(person)
        user.deleted = True
        self.world.keep_user(user)
        self.telegram.touch()
        self._tell({"kind": "person", "person": _person(user)})
        return {"deleted": True}

    async def messages(self, person: int, bot: int | None, after: int, wait: float) -> list[dict[str, Any]]:
        """The chat's messages after an id; with `wait`, holds until there is one."""
        number = self._bot(bot)
        self._person(person)
        deadline = time.monotonic() + min(max(wait, 0.0), MAX_WAIT)
        while True:
            found = [m for m in self.world.history(number, person) if m.id > after]
            left = deadline - time.monotonic()
            if found or left <= 0 or self._stopped.is_set():
                return [self._shown(m) for m in found]
            await self.world.wait_for_message(number, person, min(left, 1.0))

    def newest(self, person: int, bot: int | None, before: int | None, limit: int) -> list[dict[str, Any]]:
        """The chat's newest messages (before an id), oldest first, without deleted ones."""
        number = self._bot(bot)
        self._person(person)
        found: list[Message] = []
        for message in reversed(self.world.history(number, person)):
            if len(found) >= limit:
                break
            if not message.deleted and (before is None or message.id < before):
                found.append(message)
        return [self._shown(message) for message in reversed(found)]

    def commands(self, person: int | None, bot: int | None) -> list[dict[str, str]]:
        """The commands the bot has set for this person, or for everyone."""
        number = self._bot(bot)
        who = self._person(person) if person is not None else None
        return [{"command": name, "description": text} for name, text in self.world.commands_for(number, who)]

    def file(self, number: int) -> tuple[Path, str, str]:
        """A stored file: path, type, name."""
        file = self.world.files.get(number)
        if file is None:
            raise Problem(404, f"there is no file {number}")
        return self.world.state.files / str(number), file.mime, file.name

    # ---- settings

    def change_settings(self, change: SettingsChange) -> dict[str, Any]:
        """Changes the settings named."""
        current = msgspec.to_builtins(self.telegram.settings)
        try:
            wanted = msgspec.convert({**current, **msgspec.to_builtins(change)}, Settings)
        except msgspec.ValidationError as exc:
            raise Problem(400, str(exc)) from exc
        for name in current:
            setattr(self.telegram.settings, name, getattr(wanted, name))
        self.telegram.limits.strict = wanted.strict_limits
        return self.settings()

    def settings(self) -> dict[str, Any]:
        """All settings."""
        result: dict[str, Any] = msgspec.to_builtins(self.telegram.settings)
        return result

    # ---- events for the page

    def page_config(self) -> dict[str, Any]:
        """What the page is told of its surroundings."""
        host, port = self.telegram.address
        return {"telegram": f"{host}:{port}", "first_steps": self.first_steps or None}

    async def events(self) -> AsyncIterator[ServerSentEventMessage]:
        """What happens, as it happens."""
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            # Half a second until the browser comes back after a cut.
            yield ServerSentEventMessage(data='{"kind": "hello"}', retry=500)
            bots = self.bots()
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), BOTS_LOOK)
                except TimeoutError:
                    if self.bots() == bots:
                        continue
                    bots = self.bots()
                    event = {"kind": "bots", "bots": bots}
                if event is None:
                    return
                yield ServerSentEventMessage(data=msgspec.json.encode(event).decode())
        finally:
            self._listeners.discard(queue)

    def _changed(self, what: str, message: Message) -> None:
        if self._listeners:
            self._tell(
                {"kind": what, "bot": message.bot, "chat": message.person, "message": self._shown(message)}
            )

    def _typing(self, bot: int, person: int, event: Event) -> None:
        self._tell(
            {
                "kind": "typing",
                "bot": bot,
                "chat": person,
                "typing": event.action != "sendMessageCancelAction",
            }
        )

    def _tell(self, event: dict[str, Any]) -> None:
        for queue in self._listeners:
            queue.put_nowait(event)

    # ---- inside

    def _bot(self, bot: int | None) -> int:
        if bot is not None:
            if bot not in self.world.bots:
                raise Problem(404, f"no bot {bot} has signed in")
            return bot
        if not self.world.bots:
            raise Problem(409, "no bot has signed in yet")
        return self.world.bots[0]

    def _person(self, number: int) -> User:
        user = self.world.users.get(number)
        if user is None or user.bot:
            raise Problem(404, f"there is no person {number}: POST /people makes one")
        return user

    def _message(self, bot: int, person: int, number: int) -> Message:
        message = self.world.box(bot).messages.get(number)
        if message is None or message.deleted or message.person != person:
            raise Problem(404, f"there is no message {number} in this chat")
        return message

    def _heard(self, bot: int, person: int) -> dict[str, Any]:
        """How much of the chat is unread, and its last message."""
        chat = self.world.chats.get((bot, person))
        unread, last = 0, None
        for message in reversed(self.world.history(bot, person)):
            if last and (
                chat is None or message.person_side_id <= chat.read_by_person or unread >= MAX_UNREAD
            ):
                break
            if message.deleted:
                continue
            last = last or message
            unread += message.from_bot and chat is not None and message.person_side_id > chat.read_by_person
        return {"unread": unread, "last": self._shown(last) if last else None}

    def _shown(self, message: Message) -> dict[str, Any]:
        markup = message.markup or {}
        file = self.world.files.get(message.file) if message.file is not None else None
        return {
            "id": message.id,
            "from": "bot" if message.from_bot else "person",
            "text": message.text,
            "entities": [_entity(entity) for entity in message.entities],
            "buttons": [[_button(button) for button in row] for row in markup.get("rows", [])]
            if markup.get("kind") == "inline"
            else [],
            "keyboard": [[button["text"] for button in row] for row in markup.get("rows", [])]
            if markup.get("kind") == "reply"
            else [],
            "keyboard_removed": markup.get("kind") == "hide",
            "file": None
            if file is None
            else {
                "id": file.id,
                "name": file.name,
                "mime": file.mime,
                "size": file.size,
                "kind": file.kind,
                "width": file.width,
                "height": file.height,
                "spoiler": file.spoiler,
                "url": f"/files/{file.id}",
            },
            "reply_to": message.reply_to,
            "group": message.grouped or None,
            "silent": message.silent,
            "date": message.date,
            "edited": bool(message.edited),
            "edit_date": message.edited or None,
            "deleted": message.deleted,
            "random_id": message.random_id or None,
        }

    def application(self) -> Litestar:
        """The routes."""
        return App(
            route_handlers=_routes(self),
            exception_handlers={
                Problem: lambda _, exc: _refusal(exc.status, str(exc)),
                HTTPException: _http_refusal,
                Exception: _fault,
            },
            before_request=_refuse_other_sites,
            openapi_config=None,
            logging_config=None,
            request_max_body_size=1 << 20,
        )


def _person(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "username": user.username,
        "language": user.language,
        "phone": user.phone,
        "deleted": user.deleted,
    }


def _chat(chat: Chat | None) -> dict[str, Any]:
    return {"started": bool(chat and chat.started), "blocked": bool(chat and chat.blocked)}


def _entity(entity: TL) -> dict[str, Any]:
    name: str = entity["_"]
    short = _ENTITY_NAMES.get(name) or name.removeprefix("messageEntity").lower()
    rest = {key: value for key, value in entity.items() if key != "_" and not isinstance(value, bytes)}
    return {"type": short, **rest}


def _button(button: TL) -> dict[str, Any]:
    return {
        key: value.decode(errors="replace") if isinstance(value, bytes) else value
        for key, value in button.items()
        if key != "kind"
    } | {"kind": button["kind"]}


def _refusal(status: int, text: str) -> Response[dict[str, str]]:
    return Response({"error": text}, status_code=status)


def _http_refusal(request: Request[Any, Any, Any], exc: HTTPException) -> Response[dict[str, str]]:
    if exc.status_code == 405:
        return _refusal(405, f"{request.method} is not for {request.url.path}")
    if exc.status_code == 404:
        return _refusal(404, f"there is nothing at {request.url.path}")
    extra = f": {exc.extra}" if exc.extra else ""
    return _refusal(exc.status_code, f"{exc.detail}{extra}")


def _fault(request: Request[Any, Any, Any], exc: Exception) -> Response[dict[str, str]]:
    logging.getLogger(__name__).exception("a request failed", exc_info=exc)
    return _refusal(500, "the sandbox itself failed; its log says how")


def _refuse_other_sites(request: Request[Any, Any, Any]) -> None:
    """A page of another site must neither read the chats, under a name of its own that points here, nor act
    in them with what a form may send. Programs send no Origin."""
    host = request.headers.get("host", "")
    if not _is_this_machine(host):
        raise Problem(403, f"this sandbox is on this machine alone, and not {host[:100]!r}: use 127.0.0.1")
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.headers.get("origin", f"http://{host}")
    if origin != f"http://{host}" or request.headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        raise Problem(403, "a page of another site may not do this")
    kind = request.headers.get("content-type", _JSON)
    if kind.partition(";")[0].strip().lower() != _JSON:
        raise Problem(415, "send the body as JSON: Content-Type: application/json")


def _is_this_machine(host: str) -> bool:
    """Of a Host header: localhost, or an address of loopback, with or without a port."""
    name = urlsplit(f"//{host}").hostname or "" if "@" not in host else ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


async def _read(request: Request[Any, Any, Any], shape: type[Any], *, empty: bool = False) -> Any:
    """The request's JSON as `shape`; a clear 400 otherwise."""
    body = await request.body()
    if empty and not body.strip():
        return shape()
    try:
        return msgspec.json.decode(body, type=shape)
    except UnicodeDecodeError as exc:
        raise Problem(400, "the body is not UTF-8") from exc
    except msgspec.DecodeError as exc:
        raise Problem(400, str(exc)) from exc


Ask = Request[Any, Any, Any]


def _routes(web: Web) -> list[Any]:
    """The visible table: what each path does."""
    telegram = web.telegram

    @get("/people")
    async def list_people(bot: int | None = None) -> list[dict[str, Any]]:
        return web.people(bot)

    @post("/people", status_code=201)
    async def add_person(request: Ask) -> dict[str, Any]:
        return web.add_person(await _read(request, NewPerson))

    @get("/bots")
    async def list_bots() -> list[dict[str, Any]]:
        return web.bots()

    @post("/chats/{person:int}/say", status_code=201)
    async def say_something(person: int, request: Ask) -> dict[str, Any]:
        return web.say(person, await _read(request, Said))

    @post("/chats/{person:int}/press", status_code=200)
    async def press(person: int, request: Ask) -> dict[str, Any]:
        return await web.press(person, await _read(request, Pressed))

    @post("/chats/{person:int}/block", status_code=200)
    async def block(person: int, request: Ask, bot: int | None = None) -> dict[str, Any]:
        aimed: Aimed = await _read(request, Aimed, empty=True)
        return web.block(person, aimed.bot if aimed.bot is not None else bot, True)

    @post("/chats/{person:int}/unblock", status_code=200)
    async def unblock(person: int, request: Ask, bot: int | None = None) -> dict[str, Any]:
        aimed: Aimed = await _read(request, Aimed, empty=True)
        return web.block(person, aimed.bot if aimed.bot is not None else bot, False)

    @post("/chats/{person:int}/read", status_code=200)
    async def read(person: int, request: Ask, bot: int | None = None) -> dict[str, Any]:
        aimed: Aimed = await _read(request, Aimed, empty=True)
        return web.read(person, aimed.bot if aimed.bot is not None else bot)

    @post("/chats/{person:int}/deactivate", status_code=200)
    async def deactivate(person: int) -> dict[str, Any]:
        return web.deactivate(person)

    @get("/chats/{person:int}/messages")
    async def messages(
        person: int,
        bot: int | None = None,
        after: int = 0,
        wait: float = 0,
        before: int | None = None,
        limit: Annotated[int, Parameter(ge=1)] | None = None,
    ) -> list[dict[str, Any]]:
        if limit is not None or before is not None:
            return web.newest(person, bot, before, limit or sys.maxsize)
        return await web.messages(person, bot, after, wait)

    @get("/commands")
    async def commands(chat: int | None = None, bot: int | None = None) -> list[dict[str, str]]:
        return web.commands(chat, bot)

    @post("/faults", status_code=201)
    async def order_fault(request: Ask) -> dict[str, Any]:
        order: FaultOrder = await _read(request, FaultOrder)
        try:
            fault = telegram.faults.order(order)
        except ValueError as exc:
            raise Problem(400, str(exc)) from exc
        return dict(msgspec.to_builtins(fault))

    @get("/faults")
    async def list_faults() -> list[dict[str, Any]]:
        return telegram.faults.as_json()

    @delete("/faults", status_code=200)
    async def clear_faults() -> dict[str, int]:
        return {"cleared": telegram.faults.clear()}

    @get("/journal")
    async def read_journal(bot: int | None = None) -> dict[str, Any]:
        return telegram.journal.as_json(web.world, bot)

    @get("/settings")
    async def read_settings() -> dict[str, Any]:
        return web.settings()

    @post("/settings", status_code=200)
    async def change_settings(request: Ask) -> dict[str, Any]:
        return web.change_settings(await _read(request, SettingsChange))

    @post("/cut", status_code=200)
    async def cut() -> dict[str, int]:
        connections = list(telegram.connections)
        for connection in connections:
            connection.cut()
        return {"cut": len(connections)}

    @get("/page-config")
    async def page_config() -> dict[str, Any]:
        return web.page_config()

    @get("/events")
    async def events() -> ServerSentEvent:
        return ServerSentEvent(web.events())

    @get("/files/{number:int}")
    async def download(number: int) -> FileResponse:
        path, mime, name = web.file(number)
        inline = mime.startswith(("image/", "video/", "audio/")) and mime != "image/svg+xml"
        return FileResponse(
            path,
            filename=name,
            media_type=mime if inline else "application/octet-stream",
            content_disposition_type="inline" if inline else "attachment",
            headers=FILE_HEADERS,
        )

    @get(["/", "/page/{name:str}"])
    async def page(name: str = "index.html") -> Response[bytes]:
        path = PAGE / name
        if path.parent != PAGE or not path.is_file():
            raise Problem(404, f"there is nothing at /page/{name}")
        mime = PAGE_TYPES.get(path.suffix, "application/octet-stream")
        return Response(path.read_bytes(), media_type=mime, headers=PAGE_HEADERS)

    handlers: list[Callable[..., Any]] = [
        list_people,
        add_person,
        list_bots,
        say_something,
        press,
        block,
        unblock,
        read,
        deactivate,
        messages,
        commands,
        order_fault,
        list_faults,
        clear_faults,
        read_journal,
        read_settings,
        change_settings,
        cut,
        page_config,
        events,
        download,
        page,
    ]
    return handlers
