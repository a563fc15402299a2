"""A bot with an unmodified Pyrogram against the sandbox: the calls DjangoBot itself lives on."""

import asyncio
import importlib
import io
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from djangobot.bot.sandbox.testing import SandboxProcess

# Its generated classes say nothing to type checkers.
pyrogram: Any = importlib.import_module("pyrogram")
errors, raw, types = pyrogram.errors, pyrogram.raw, pyrogram.types

Factory = Callable[..., SandboxProcess]


def client_of(sandbox: SandboxProcess, bot: int, **options: Any) -> Any:
    """A Pyrogram client that has not started."""
    sandbox.point_pyrogram()
    options = {
        "in_memory": True,
        "sleep_threshold": 0,
        "parse_mode": pyrogram.enums.ParseMode.DISABLED,
    } | options
    return pyrogram.Client(f"bot{bot}", api_id=1, api_hash="x", bot_token=f"{bot}:token", **options)


class Bot:
    """A started bot that puts what it hears into queues, and one person who has started it."""

    def __init__(self, sandbox: SandboxProcess, number: int, person: int) -> None:
        self.sandbox = sandbox
        self.id = number
        self.person = person
        self.client = client_of(sandbox, number)
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.updates: asyncio.Queue[Any] = asyncio.Queue()
        self.reply: dict[str, Any] = {"text": "pressed", "show_alert": True}

    async def start(self) -> None:
        async def on_message(_: Any, message: Any) -> None:
            await self.heard.put(message)

        async def on_press(_: Any, query: Any) -> None:
            await query.answer(**self.reply)

        async def on_update(_: Any, update: Any, __: Any, ___: Any) -> None:
            await self.updates.put(update)

        self.client.add_handler(pyrogram.handlers.MessageHandler(on_message), 0)
        self.client.add_handler(pyrogram.handlers.CallbackQueryHandler(on_press), 0)
        self.client.add_handler(pyrogram.handlers.RawUpdateHandler(on_update), 1)
        await self.client.start()
        await self.sandbox.say(self.person, "/start", self.id)
        await self.hear()

    async def hear(self) -> Any:
        return await asyncio.wait_for(self.heard.get(), 10)

    async def send(self, text: str, random_id: int, **rest: Any) -> Any:
        request = raw.functions.messages.SendMessage(
            peer=await self.client.resolve_peer(self.person), message=text, random_id=random_id, **rest
        )
        return await self.client.session.send(request)

    async def shown(self) -> list[dict[str, Any]]:
        return await self.sandbox.messages(self.person, bot=self.id)


@pytest.fixture
async def bot(shared: SandboxProcess, new_id: Callable[[], int]) -> AsyncIterator[Bot]:
    """A bot of its own on the shared sandbox."""
    made = Bot(shared, new_id(), await shared.person("Ann", id=new_id(), language="en"))
    await made.start()
    yield made
    if made.client.is_connected:
        await made.client.stop()


async def test_a_bot_signs_in_with_any_token_but_an_invalid_one(shared: SandboxProcess, bot: Bot) -> None:
    """ACCESS_TOKEN_INVALID as the real server says it."""
    assert bot.client.me.id == bot.id
    assert bot.client.me.is_bot
    for token in (f"{bot.id}:invalid", "no-number"):
        sandbox = client_of(shared, 1)
        sandbox.bot_token = token
        with pytest.raises(errors.AccessTokenInvalid):
            await sandbox.start()


async def test_what_a_person_says_arrives_with_who_and_entities(bot: Bot) -> None:
    """Name, language, the bot_command entity."""
    await bot.sandbox.say(bot.person, "/code please", bot.id)
    message = await bot.hear()
    assert (message.text, message.from_user.first_name, message.from_user.language_code) == (
        "/code please",
        "Ann",
        "en",
    )
    assert [e.type.name for e in message.entities] == ["BOT_COMMAND"]
    assert message.chat.id == bot.person


async def test_both_shapes_of_success_carry_the_id(bot: Bot) -> None:
    """updateShortSentMessage for a plain text, `updates` with our random_id for buttons, or on demand."""
    short = await bot.send("plain", 11)
    assert isinstance(short, raw.types.UpdateShortSentMessage)
    keyboard = raw.types.ReplyInlineMarkup(
        rows=[raw.types.KeyboardButtonRow(buttons=[raw.types.KeyboardButtonCallback(text="A", data=b"a")])]
    )
    long = await bot.send("buttons", 12, reply_markup=keyboard)
    assert (long.updates[0].id, long.updates[0].random_id) == (short.id + 1, 12)
    await bot.sandbox.settings(answers="updates")
    again = await bot.send("plain", 13)
    assert again.updates[0].random_id == 13
    assert [m["random_id"] for m in await bot.shown()][1:] == [11, 12, 13]


async def test_a_repeated_random_id_is_recognised(bot: Bot) -> None:
    """The original id with pts_count 0, or RANDOM_ID_DUPLICATE; the message is there once."""
    first = await bot.send("once", 99)
    repeat = await bot.send("once", 99)
    assert (repeat.updates[0].id, repeat.updates[0].random_id, repeat.updates[1].pts_count) == (
        first.id,
        99,
        0,
    )
    await bot.sandbox.settings(repeats="error")
    with pytest.raises(errors.RandomIdDuplicate):
        await bot.send("once", 99)
    journal = await bot.sandbox.journal(bot.id)
    assert journal["chats"][str(bot.person)]["random_ids"] == [99]
    assert journal["accepted"] == 1
    assert journal["repeats"] >= 2


async def test_a_repeat_is_recognised_even_when_the_person_has_blocked_the_bot_since(bot: Bot) -> None:
    """What was delivered stays delivered."""
    first = await bot.send("once", 5)
    await bot.sandbox.block(bot.person, bot.id)
    assert (await bot.send("once", 5)).updates[0].id == first.id
    with pytest.raises(errors.UserIsBlocked):
        await bot.send("new", 6)


async def test_formatting_replies_edits_and_deletions_are_shown(bot: Bot) -> None:
    """What the JSON API tells of each."""
    parse = pyrogram.enums.ParseMode.HTML
    sent = await bot.client.send_message(
        bot.person, "<b>b</b> <code>c</code>", parse_mode=parse, reply_to_message_id=1
    )
    shown = (await bot.shown())[-1]
    assert shown["text"] == "b c"
    assert [(e["type"], e["offset"], e["length"]) for e in shown["entities"]] == [
        ("bold", 0, 1),
        ("code", 2, 1),
    ]
    assert (shown["from"], shown["edited"], shown["deleted"]) == ("bot", False, False)
    await bot.client.edit_message_text(bot.person, sent.id, "other")
    shown = (await bot.shown())[-1]
    assert (shown["text"], shown["edited"], shown["entities"]) == ("other", True, [])
    with pytest.raises(errors.MessageNotModified):
        await bot.client.edit_message_text(bot.person, sent.id, "other")
    await bot.client.delete_messages(bot.person, sent.id)
    assert (await bot.shown())[-1]["deleted"]
    with pytest.raises(errors.MessageIdInvalid):
        await bot.client.edit_message_text(bot.person, sent.id, "gone")


async def test_a_press_waits_for_the_bots_answer(bot: Bot) -> None:
    """Its text and whether it is an alert; an unknown button is refused; silence is told after the time."""
    keyboard = types.InlineKeyboardMarkup(
        [[types.InlineKeyboardButton("A", "a"), types.InlineKeyboardButton("U", url="https://example.org")]]
    )
    sent = await bot.client.send_message(bot.person, "press", reply_markup=keyboard)
    shown = (await bot.shown())[-1]["buttons"]
    assert shown == [
        [
            {"text": "A", "data": "a", "kind": "callback"},
            {"text": "U", "url": "https://example.org", "kind": "url"},
        ]
    ]
    answer = await bot.sandbox.press(bot.person, sent.id, "a", bot.id)
    assert (answer["answer"], answer["alert"], answer["timeout"]) == ("pressed", True, False)
    with pytest.raises(Exception, match="no button with this data"):
        await bot.sandbox.press(bot.person, sent.id, "zzz", bot.id)
    await bot.sandbox.settings(press_timeout=0.2)
    await bot.client.stop()
    answer = await bot.sandbox.press(bot.person, sent.id, "a", bot.id)
    assert (answer["answer"], answer["timeout"]) == (None, True)


async def test_commands_are_shown_by_scope_and_language(bot: Bot, new_id: Callable[[], int]) -> None:
    """The narrowest scope wins, then the person's language."""
    ivan = await bot.sandbox.person("Иван", id=new_id(), language="ru")
    await bot.sandbox.say(ivan, "/start", bot.id)
    await bot.hear()

    async def names(person: int) -> list[str]:
        return [c["description"] for c in await bot.sandbox.commands(person, bot.id)]

    await bot.client.set_bot_commands([types.BotCommand("start", "begin")])
    await bot.client.set_bot_commands([types.BotCommand("start", "начать")], language_code="ru")
    assert (await names(bot.person), await names(ivan)) == (["begin"], ["начать"])
    scope = types.BotCommandScopeChat(ivan)
    await bot.client.set_bot_commands([types.BotCommand("admin", "admin only")], scope=scope)
    assert (await names(bot.person), await names(ivan)) == (["begin"], ["admin only"])
    await bot.client.delete_bot_commands(scope=scope)
    assert await names(ivan) == ["начать"]
    with pytest.raises(errors.BotCommandDescriptionInvalid):
        await bot.client.set_bot_commands([types.BotCommand("long", "x" * 257)])


async def test_blocking_is_told_to_the_bot_and_stops_its_messages(bot: Bot) -> None:
    """updateBotStopped both ways."""
    await bot.sandbox.block(bot.person, bot.id)
    while not isinstance(update := await asyncio.wait_for(bot.updates.get(), 10), raw.types.UpdateBotStopped):
        pass
    assert (update.user_id, update.stopped) == (bot.person, True)
    with pytest.raises(errors.UserIsBlocked):
        await bot.client.send_message(bot.person, "no")
    with pytest.raises(Exception, match="409"):
        await bot.sandbox.say(bot.person, "hello", bot.id)
    await bot.sandbox.unblock(bot.person, bot.id)
    assert await bot.client.send_message(bot.person, "yes")


async def test_a_bot_cannot_begin_a_chat(bot: Bot, new_id: Callable[[], int]) -> None:
    """PEER_ID_INVALID until the person has written; INPUT_USER_DEACTIVATED when they are gone."""
    stranger = await bot.sandbox.person("Stranger", id=new_id())
    peer = raw.types.InputPeerUser(user_id=stranger, access_hash=0)
    request = raw.functions.messages.SendMessage(peer=peer, message="hi", random_id=1)
    with pytest.raises(errors.PeerIdInvalid):
        await bot.client.invoke(request)
    await bot.sandbox.say(stranger, "/start", bot.id)
    await bot.hear()
    assert await bot.client.invoke(request)
    await bot.sandbox.request("POST", f"/chats/{stranger}/deactivate")
    with pytest.raises(errors.InputUserDeactivated):
        await bot.client.send_message(stranger, "gone")


async def test_texts_are_held_to_telegrams_limits(bot: Bot) -> None:
    """And the journal counts who ran into them."""
    with pytest.raises(errors.MessageTooLong):
        await bot.send("x" * 4097, 1)
    with pytest.raises(errors.MessageEmpty):
        await bot.send("  \n ", 2)
    wrong = raw.types.MessageEntityBold(offset=2, length=5)
    with pytest.raises(errors.EntityBoundsInvalid):
        await bot.send("abc", 3, entities=[wrong])
    broken = (await bot.sandbox.journal())["limits_broken"]
    assert {"MESSAGE_TOO_LONG", "MESSAGE_EMPTY", "ENTITY_BOUNDS_INVALID"} <= set(broken)


async def test_files_go_up_and_down_in_parts(bot: Bot) -> None:
    """Several parts each way, the caption, and the page's copy of the file."""
    body = io.BytesIO(bytes(range(256)) * 5000)
    body.name = "numbers.bin"
    message = await bot.client.send_document(bot.person, body, caption="all of them")
    fetched = await bot.client.download_media(message, in_memory=True)
    assert bytes(fetched.getbuffer()) == body.getvalue()
    shown = (await bot.shown())[-1]
    assert (shown["text"], shown["file"]["name"], shown["file"]["size"]) == (
        "all of them",
        "numbers.bin",
        1280000,
    )
    async with httpx.AsyncClient(base_url=bot.sandbox.web) as browser:
        assert (await browser.get(shown["file"]["url"])).content == body.getvalue()
    picture = io.BytesIO(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x07" + bytes(30))
    picture.name = "dot.png"
    await bot.client.send_photo(bot.person, picture)
    shown = (await bot.shown())[-1]["file"]
    assert (shown["kind"], shown["width"], shown["height"]) == ("photo", 5, 7)


async def test_ordered_faults_happen_as_ordered(bot: Bot, new_id: Callable[[], int]) -> None:
    """flood_wait and error once; another chat's fault does not concern this one; leftovers are listed."""
    await bot.sandbox.fault("flood_wait", "messages.sendMessage", value=7)
    with pytest.raises(errors.FloodWait) as caught:
        await bot.send("x", 1)
    assert caught.value.value == 7
    await bot.sandbox.fault("error", "messages.sendmessage", value="PEER_FLOOD", chat=bot.person)
    with pytest.raises(errors.PeerFlood):
        await bot.send("x", 1)
    await bot.sandbox.fault("error", "messages.sendMessage", value="PEER_FLOOD", chat=new_id(), times=2)
    assert await bot.send("x", 1)
    left = await bot.sandbox.faults()
    assert [(f["kind"], f["times"], f["used"]) for f in left] == [("error", 2, 0)]
    await bot.sandbox.clear_faults()
    assert await bot.sandbox.faults() == []


async def test_a_cut_loses_the_answer_but_not_the_message(bot: Bot) -> None:
    """cut_before executes nothing, cut_after everything; the client comes back by itself either way."""
    for kind, there in (("cut_before", 0), ("cut_after", 1)):
        await bot.sandbox.fault(kind, "messages.sendMessage")
        # The connection ends at once; the answer would be waited for 15 s.
        with pytest.raises((OSError, TimeoutError)):
            await asyncio.wait_for(bot.send("x", 31 + there), 1.5)
        random_ids = [m["random_id"] for m in await bot.shown()]
        assert random_ids.count(31 + there) == there
        assert await bot.client.invoke(raw.functions.updates.GetState())
    assert (await bot.send("x", 32)).updates[0].random_id == 32


async def test_a_dropped_answer_and_a_delay_leave_the_connection_open(bot: Bot) -> None:
    """Other calls go on meanwhile."""
    await bot.sandbox.fault("drop_answer", "messages.sendMessage")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.send("x", 41), 0.5)
    assert [m["random_id"] for m in await bot.shown()].count(41) == 1
    await bot.sandbox.fault("delay", "updates.getState", value=0.7)
    slow = asyncio.ensure_future(bot.client.invoke(raw.functions.updates.GetState()))
    assert await bot.send("x", 43)
    assert not slow.done()
    assert await slow


async def test_refused_connections_end_at_once(bot: Bot) -> None:
    """The client tries until it is let in."""
    await bot.sandbox.fault("refuse_connections", times=1)
    await bot.sandbox.cut()
    deadline = asyncio.get_running_loop().time() + 20
    while await bot.sandbox.faults():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)
    assert await bot.client.invoke(raw.functions.updates.GetState())


async def test_what_came_while_the_bot_was_away_is_in_the_difference(bot: Bot) -> None:
    """Messages by pts, with who wrote them; blocked and unblocked by qts; nothing when it is switched off."""
    state = await bot.client.invoke(raw.functions.updates.GetState())
    await bot.client.stop()
    await bot.sandbox.say(bot.person, "are you there?", bot.id)
    await bot.sandbox.block(bot.person, bot.id)
    await bot.client.start()
    ask = raw.functions.updates.GetDifference(pts=state.pts, date=state.date, qts=state.qts)
    difference = await bot.client.invoke(ask)
    assert [m.message for m in difference.new_messages] == ["are you there?"]
    assert [u.id for u in difference.users if u.id == bot.person] == [bot.person]
    [stopped] = difference.other_updates
    assert (stopped.user_id, stopped.stopped) == (bot.person, True)
    await bot.sandbox.settings(keep_updates=False)
    assert isinstance(await bot.client.invoke(ask), raw.types.updates.DifferenceEmpty)


async def test_a_difference_comes_in_slices(bot: Bot) -> None:
    """A hundred at a time, each with the state to go on from."""
    state = await bot.client.invoke(raw.functions.updates.GetState())
    for number in range(130):
        await bot.send(f"m{number}", number + 1)
    seen, pts = [], state.pts
    while True:
        ask = raw.functions.updates.GetDifference(pts=pts, date=0, qts=0)
        part = await bot.client.invoke(ask)
        seen += [m.message for m in part.new_messages]
        if isinstance(part, raw.types.updates.Difference):
            break
        pts = part.intermediate_state.pts
    assert seen == [f"m{number}" for number in range(130)]


async def test_two_bots_talk_to_one_person_apart(shared: SandboxProcess, new_id: Callable[[], int]) -> None:
    """Each has its own chat, ids and journal."""
    person = await shared.person("Two", id=new_id())
    bots = [Bot(shared, new_id(), person) for _ in range(2)]
    for one in bots:
        await one.start()
        await one.send(f"from {one.id}", 1)
    for one in bots:
        assert [m["text"] for m in await one.shown()] == ["/start", f"from {one.id}"]
        assert (await shared.journal(one.id))["accepted"] == 1
        await one.client.stop()


async def test_a_log_out_ends_the_authorisation(bot: Bot) -> None:
    """The key is no longer anyone's."""
    await bot.client.invoke(raw.functions.auth.LogOut())
    with pytest.raises(errors.AuthKeyUnregistered):
        await bot.client.invoke(raw.functions.updates.GetState())


async def test_strict_limits_answer_flood_waits(sandbox_factory: Factory, new_id: Callable[[], int]) -> None:
    """A burst passes, then FLOOD_WAIT; the journal counts it."""
    sandbox = sandbox_factory("--strict-limits")
    bot = Bot(sandbox, 1, await sandbox.person())
    await bot.start()
    every = [asyncio.ensure_future(bot.send("fast", number)) for number in range(1, 7)]
    with pytest.raises(errors.FloodWait) as caught:
        await asyncio.gather(*every)
    assert caught.value.value >= 1
    assert (await sandbox.journal())["limits_broken"] == {"per_chat": 1}
    await bot.client.stop()


async def test_a_killed_sandbox_comes_back_with_everything(sandbox_factory: Factory) -> None:
    """SIGKILL after an answer: keys, people, messages, commands and repeats are there; the client goes on."""
    sandbox = sandbox_factory()
    bot = Bot(sandbox, 1, await sandbox.person())
    await bot.start()
    await bot.client.set_bot_commands([types.BotCommand("start", "begin")])
    first = await bot.send("kept", 7)
    before = await bot.shown()
    sandbox.kill()
    sandbox.start_again()
    assert await bot.shown() == before
    assert await sandbox.commands(bot.person) == [{"command": "start", "description": "begin"}]
    repeat = await bot.client.invoke(
        raw.functions.messages.SendMessage(
            peer=await bot.client.resolve_peer(bot.person), message="kept", random_id=7
        )
    )
    assert repeat.updates[0].id == first.id
    await sandbox.say(bot.person, "still there?")
    assert (await bot.hear()).text == "still there?"
    assert (await sandbox.journal())["sign_ins"] == {"bot 1": 1}
    assert (await bot.send("next", 8)).id == first.id + 2
    await bot.client.stop()


def test_the_module_says_where_pyrogram_is_pointed() -> None:
    """The seam in the docstring is the one the tests use."""
    import djangobot.bot.sandbox as package

    assert re.search(r"connection\.DataCenter = lambda", package.__doc__ or "")
