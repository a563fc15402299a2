"""The table of routes: what each path does."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import Parameter
from litestar.response import ServerSentEvent, Stream

from djangobot.bot.sandbox.faults import FaultOrder
from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.web import files, settings
from djangobot.bot.sandbox.web.chats import Chats
from djangobot.bot.sandbox.web.errors import Problem
from djangobot.bot.sandbox.web.events import EventStream
from djangobot.bot.sandbox.web.people import People
from djangobot.bot.sandbox.web.requests import (
    Aimed,
    Deleted,
    Edited,
    NewPerson,
    Pinned,
    Pressed,
    Reacted,
    Said,
    SettingsChange,
    read_body,
)
from djangobot.bot.sandbox.web.views import person_view

Ask = Request[Any, Any, Any]


def table(
    telegram: TelegramServer, people: People, chats: Chats, events: EventStream, first_steps: str
) -> list[Callable[..., Any]]:
    """What each path does."""

    @get("/people")
    async def list_people(bot: int | None = None) -> list[dict[str, Any]]:
        return people.all(bot)

    @post("/people", status_code=201)
    async def add_person(request: Ask) -> dict[str, Any]:
        person = people.add(await read_body(request, NewPerson))
        events.publish({"kind": "person", "person": person_view(person)})
        return {"id": person.id}

    @get("/bots")
    async def list_bots() -> list[dict[str, Any]]:
        return people.bots()

    @post("/chats/{person:int}/say", status_code=201)
    async def say_something(person: int, request: Ask) -> dict[str, Any]:
        return chats.say(person, await read_body(request, Said))

    @post("/chats/{person:int}/edit", status_code=200)
    async def edit(person: int, request: Ask) -> dict[str, Any]:
        return chats.edit(person, await read_body(request, Edited))

    @post("/chats/{person:int}/delete", status_code=200)
    async def delete_messages(person: int, request: Ask) -> dict[str, Any]:
        return chats.delete(person, await read_body(request, Deleted))

    @post("/chats/{person:int}/react", status_code=200)
    async def react(person: int, request: Ask) -> dict[str, Any]:
        return chats.react(person, await read_body(request, Reacted))

    @post("/chats/{person:int}/pin", status_code=200)
    async def pin(person: int, request: Ask) -> dict[str, Any]:
        return chats.pin(person, await read_body(request, Pinned))

    @post("/chats/{person:int}/press", status_code=200)
    async def press(person: int, request: Ask) -> dict[str, Any]:
        return await chats.press(person, await read_body(request, Pressed))

    @post("/chats/{person:int}/block", status_code=200)
    async def block(person: int, request: Ask, bot: int | None = None) -> dict[str, Any]:
        aimed = await read_body(request, Aimed, empty=True)
        return chats.block(person, aimed.bot if aimed.bot is not None else bot, True)

    @post("/chats/{person:int}/unblock", status_code=200)
    async def unblock(person: int, request: Ask, bot: int | None = None) -> dict[str, Any]:
        aimed = await read_body(request, Aimed, empty=True)
        return chats.block(person, aimed.bot if aimed.bot is not None else bot, False)

    @post("/chats/{person:int}/read", status_code=200)
    async def read(person: int, request: Ask, bot: int | None = None) -> dict[str, Any]:
        aimed = await read_body(request, Aimed, empty=True)
        return chats.read(person, aimed.bot if aimed.bot is not None else bot)

    @post("/chats/{person:int}/deactivate", status_code=200)
    async def deactivate(person: int) -> dict[str, Any]:
        user = people.deactivate(person)
        events.publish({"kind": "person", "person": person_view(user)})
        return {"deleted": True}

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
            return chats.newest(person, bot, before, limit or sys.maxsize)
        return await chats.messages(person, bot, after, wait)

    @get("/commands")
    async def commands(chat: int | None = None, bot: int | None = None) -> list[dict[str, str]]:
        return chats.commands(chat, bot)

    @post("/faults", status_code=201)
    async def order_fault(request: Ask) -> dict[str, Any]:
        order = await read_body(request, FaultOrder)
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
        return telegram.journal.as_json(telegram.world, bot)

    @get("/settings")
    async def read_settings() -> dict[str, Any]:
        return settings.shown(telegram)

    @post("/settings", status_code=200)
    async def change_settings(request: Ask) -> dict[str, Any]:
        return settings.change(telegram, await read_body(request, SettingsChange))

    @post("/cut", status_code=200)
    async def cut() -> dict[str, int]:
        connections = list(telegram.connections)
        for connection in connections:
            connection.cut()
        return {"cut": len(connections)}

    @get("/page-config")
    async def page_config() -> dict[str, Any]:
        host, port = telegram.address
        return {"telegram": f"{host}:{port}", "first_steps": first_steps or None}

    @get("/events")
    async def listen() -> ServerSentEvent:
        return ServerSentEvent(events.listen())

    @get("/files/{number:int}")
    async def download(number: int) -> Stream:
        return files.sent_file(telegram.world, number)

    @get(["/", "/page/{name:str}"])
    async def page(name: str = "index.html") -> Response[bytes]:
        return files.page_file(name)

    return [
        list_people,
        add_person,
        list_bots,
        say_something,
        edit,
        delete_messages,
        react,
        pin,
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
        listen,
        download,
        page,
    ]
