"""A person with an unmodified Telethon, talking to a bot of Telethon's or Pyrogram's in another layer."""

# Telethon's own hints are those of its blocking form.
# pyright: reportGeneralTypeIssues=false, reportAttributeAccessIssue=false, reportArgumentType=false
# pyright: reportOptionalIterable=false

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import telethon
from telethon import Button, TelegramClient, events, functions
from telethon.network import (
    Connection,
    ConnectionTcpAbridged,
    ConnectionTcpFull,
    ConnectionTcpIntermediate,
    ConnectionTcpObfuscated,
)
from telethon.sessions import MemorySession

from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess


def client_of(sandbox: SandboxProcess, connection: type[Connection] = ConnectionTcpFull) -> TelegramClient:
    """A Telethon client that has not started."""
    client = TelegramClient(MemorySession(), 1, "x", connection=connection)
    sandbox.point_telethon(client)
    return client


async def signed_in(sandbox: SandboxProcess, phone: str) -> TelegramClient:
    """A person's client."""
    client = client_of(sandbox)
    await client.connect()
    sent = await client.send_code_request(phone)
    await client.sign_in(phone, "12345", phone_code_hash=sent.phone_code_hash)
    return client


@pytest.fixture
async def bot(shared_sandbox: SandboxProcess, new_id: Callable[[], int]) -> AsyncIterator[TelegramClient]:
    """A bot that repeats what it hears under a button, and edits when that is pressed."""
    client = client_of(shared_sandbox)
    await client.start(bot_token=f"{new_id()}:telethon")

    async def heard(event: Any) -> None:
        await event.respond(f"**{event.raw_text}**", buttons=[[Button.inline("Press", b"x")]])

    async def pressed(event: Any) -> None:
        await event.answer("pressed", alert=True)
        await event.edit("edited")

    client.add_event_handler(heard, events.NewMessage(incoming=True))
    client.add_event_handler(pressed, events.CallbackQuery())
    yield client
    await client.disconnect()


@pytest.fixture
async def person(shared_sandbox: SandboxProcess, new_id: Callable[[], int]) -> AsyncIterator[TelegramClient]:
    """A person who has signed in with the code."""
    number = new_id()
    await shared_sandbox.person("Bob", id=number, username=f"bob{number}")
    client = await signed_in(shared_sandbox, f"+999{number}")
    yield client
    await client.disconnect()


@pytest.mark.parametrize(
    "connection",
    [ConnectionTcpFull, ConnectionTcpAbridged, ConnectionTcpIntermediate, ConnectionTcpObfuscated],
)
async def test_telethon_signs_in_over_each_of_its_transports(
    shared_sandbox: SandboxProcess, connection: type[Connection], new_id: Callable[[], int]
) -> None:
    """As a bot, in its own layer."""
    client, number = client_of(shared_sandbox, connection), new_id()
    await client.start(bot_token=f"{number}:x")
    assert (await client.get_me()).id == number
    await client.disconnect()


async def test_a_person_talks_to_a_bot_presses_and_sees_the_edit(
    bot: TelegramClient, person: TelegramClient
) -> None:
    """Over real MTProto on both sides."""
    name = (await bot.get_me()).username
    async with person.conversation(name, timeout=PATIENCE) as conversation:
        await conversation.send_message("hi there")
        answer = await conversation.get_response()
        assert (answer.raw_text, answer.text, answer.buttons[0][0].text) == (
            "hi there",
            "**hi there**",
            "Press",
        )
        edited = asyncio.ensure_future(conversation.get_edit())
        pressed = await answer.click(0)
        assert (pressed.message, pressed.alert) == ("pressed", True)
        assert (await edited).raw_text == "edited"


async def test_two_layers_share_one_chat(
    shared_sandbox: SandboxProcess, person: TelegramClient, new_id: Callable[[], int]
) -> None:
    """A Pyrogram bot (layer 158) and a Telethon person (layer 229) see each other's texts and buttons."""
    pyrogram: Any = importlib.import_module("pyrogram")
    shared_sandbox.point_pyrogram()
    number = new_id()
    client = pyrogram.Client("other", api_id=1, api_hash="x", bot_token=f"{number}:x", in_memory=True)

    async def heard(_: Any, message: Any) -> None:
        keyboard = pyrogram.types.InlineKeyboardMarkup([[pyrogram.types.InlineKeyboardButton("Press", "x")]])
        await client.send_message(message.chat.id, f"<b>{message.text}</b>", reply_markup=keyboard)

    async def pressed(_: Any, query: Any) -> None:
        await query.answer("from 158")

    client.add_handler(pyrogram.handlers.MessageHandler(heard))
    client.add_handler(pyrogram.handlers.CallbackQueryHandler(pressed))
    await client.start()
    async with person.conversation(f"sandbox_{number}_bot", timeout=PATIENCE) as conversation:
        await conversation.send_message("from 229")
        answer = await conversation.get_response()
        assert answer.text == "**from 229**"
        assert (await answer.click(0)).message == "from 158"
    await client.stop()


async def test_a_person_sees_the_history_and_the_list_of_chats(
    bot: TelegramClient, person: TelegramClient
) -> None:
    """Newest first, unread ones counted, read ones not."""
    name = (await bot.get_me()).username
    async with person.conversation(name, timeout=PATIENCE) as conversation:
        for text in ("one", "two", "three"):
            await conversation.send_message(text)
            await conversation.get_response()
    texts = [message.raw_text async for message in person.iter_messages(name)]
    assert texts == ["three", "three", "two", "two", "one", "one"]
    assert [m.raw_text for m in await person.get_messages(name, limit=2, offset_id=5)] == ["two", "two"]
    [dialog] = await person.get_dialogs()
    assert (dialog.message.raw_text, dialog.unread_count) == ("three", 3)
    await person.send_read_acknowledge(name)
    [dialog] = await person.get_dialogs()
    assert dialog.unread_count == 0


async def test_a_persons_file_reaches_the_bot(
    shared_sandbox: SandboxProcess, bot: TelegramClient, person: TelegramClient
) -> None:
    """Uploaded in parts by one, downloaded in parts by the other."""
    got: asyncio.Queue[Any] = asyncio.Queue()
    bot.add_event_handler(got.put, events.NewMessage(incoming=True))
    body = bytes(range(256)) * 2000
    await person.send_file((await bot.get_me()).username, body, caption="bytes", attributes=[])
    event = await asyncio.wait_for(got.get(), PATIENCE)
    assert event.raw_text == "bytes"
    assert await event.message.download_media(bytes) == body


async def test_a_wrong_code_is_refused_and_a_new_number_signs_up(
    shared_sandbox: SandboxProcess, new_id: Callable[[], int]
) -> None:
    """PHONE_CODE_INVALID; auth.authorizationSignUpRequired; then a new person."""
    client, phone = client_of(shared_sandbox), f"7000{new_id()}"
    await client.connect()
    code = (await client.send_code_request(phone)).phone_code_hash
    with pytest.raises(telethon.errors.PhoneCodeInvalidError):
        await client.sign_in(phone, "54321", phone_code_hash=code)
    with pytest.raises(telethon.errors.PhoneNumberUnoccupiedError):
        await client.sign_in(phone, "12345", phone_code_hash=code)
    user = (await client(functions.auth.SignUpRequest(phone, code, "New", "Person"))).user
    assert (user.first_name, user.phone) == ("New", phone)
    people = await shared_sandbox.request("GET", "/people")
    assert any(person["id"] == user.id for person in people)
    await client.disconnect()


async def test_a_person_blocks_a_bot_with_a_client(
    shared_sandbox: SandboxProcess, bot: TelegramClient, person: TelegramClient
) -> None:
    """The bot is refused until it is unblocked; the person is told not to write either."""
    me = await person.get_me()
    name = (await bot.get_me()).username
    await person.send_message(name, "hello")
    await shared_sandbox.from_bot(me.id, bot=(await bot.get_me()).id)
    await person(functions.contacts.BlockRequest(name))
    with pytest.raises(telethon.errors.UserIsBlockedError):
        await bot.send_message(me.id, "no")
    with pytest.raises(telethon.errors.YouBlockedUserError):
        await person.send_message(name, "no")
    await person(functions.contacts.UnblockRequest(name))
    assert await bot.send_message(me.id, "yes")


async def test_typing_is_shown_to_the_other_side(bot: TelegramClient, person: TelegramClient) -> None:
    """Whoever types."""
    name = (await bot.get_me()).username
    await person.send_message(name, "hello")
    seen: asyncio.Queue[Any] = asyncio.Queue()
    person.add_event_handler(seen.put, events.UserUpdate())
    me = (await person.get_me()).id
    async with bot.action(me, "typing"):
        event = await asyncio.wait_for(seen.get(), PATIENCE)
    assert event.typing


async def test_telethon_comes_back_after_a_cut(
    shared_sandbox: SandboxProcess, bot: TelegramClient, person: TelegramClient
) -> None:
    """Both clients reconnect by themselves, in new sessions and without a new initConnection."""
    name = (await bot.get_me()).username
    async with person.conversation(name, timeout=PATIENCE) as conversation:
        await conversation.send_message("before")
        await conversation.get_response()
        await shared_sandbox.cut()
        for client in (bot, person):
            assert await client.get_me()
        await conversation.send_message("after")
        assert (await conversation.get_response()).raw_text == "after"


async def test_a_bot_may_not_do_what_is_for_people_nor_they_what_is_for_bots(
    bot: TelegramClient, person: TelegramClient
) -> None:
    """BOT_METHOD_INVALID and USER_BOT_REQUIRED."""
    with pytest.raises(telethon.errors.BotMethodInvalidError):
        await bot.get_dialogs()
    with pytest.raises(telethon.errors.UserBotRequiredError):
        await person(functions.messages.SetBotCallbackAnswerRequest(1, 0))
