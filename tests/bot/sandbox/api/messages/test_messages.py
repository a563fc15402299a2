"""Sending, editing, deleting: with an unmodified Pyrogram, the calls that DjangoBot itself makes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from djangobot.bot.sandbox.testing import SandboxProcess

from ...probe import CallError, Probe
from ...pyrogram_bot import Bot, errors, pyrogram, raw


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


async def test_a_bot_schedules_nothing(bot: Bot) -> None:
    """Telegram lets people alone schedule; nothing is sent at once instead."""
    with pytest.raises(errors.ScheduleBotNotAllowed):
        await bot.client.send_message(bot.person, "later", schedule_date=datetime(2037, 1, 1, tzinfo=UTC))
    assert [message["text"] for message in await bot.shown()] == ["/start"]


@pytest.mark.parametrize(
    ("bot", "refusal"), [(True, "400 SCHEDULE_BOT_NOT_ALLOWED"), (False, "400 SCHEDULE_DATE_INVALID")]
)
async def test_whatever_is_to_be_scheduled_is_refused(
    shared_sandbox: SandboxProcess, new_id: Callable[[], int], bot: bool, refusal: str
) -> None:
    """A text, a file, an album, a copy, an edit: of bots as Telegram does, of people as not modelled."""
    number, person = new_id(), await shared_sandbox.person(id=new_id())
    async with Probe(shared_sandbox) as probe:
        await probe.sign_in(number)
        await shared_sandbox.say(person, "/start", number)
        other = {"_": "inputPeerUser", "user_id": person, "access_hash": 0}
        if not bot:
            probe.auth_key = b""
            await probe.connect()
            await probe.sign_in_person(person)
            name = {"_": "contacts.resolveUsername", "username": f"sandbox_{number}_bot"}
            [known] = (await probe.call(name))["users"]
            other |= {"user_id": number, "access_hash": known["access_hash"]}
        text = {"_": "messages.sendMessage", "peer": other, "message": "there", "random_id": new_id()}
        assert await probe.call(text)
        before = await shared_sandbox.messages(person, bot=number)
        empty, copied = {"_": "inputMediaEmpty"}, {"id": [before[-1]["id"]], "random_id": [new_id()]}
        item = {"_": "inputSingleMedia", "media": empty, "random_id": new_id(), "message": ""}
        orders: list[dict[str, Any]] = [
            {**text, "random_id": new_id()},
            {**text, "_": "messages.sendMedia", "random_id": new_id(), "media": empty},
            {"_": "messages.sendMultiMedia", "peer": other, "multi_media": [item]},
            {"_": "messages.forwardMessages", "from_peer": other, "to_peer": other, **copied},
            {"_": "messages.editMessage", "peer": other, "id": before[-1]["id"], "message": "later"},
        ]
        for order in orders:
            with pytest.raises(CallError, match=refusal):
                await probe.call({**order, "schedule_date": 2_000_000_000})
    assert await shared_sandbox.messages(person, bot=number) == before
