"""What people do by the JSON API besides writing: an unmodified Pyrogram sees it."""

import base64
from typing import Any

import pytest

from djangobot.bot.sandbox.testing import SandboxError

from ..probe import Probe
from ..pyrogram_bot import Bot, raw
from ..sent_files import png


async def act(bot: Bot, what: str, **body: Any) -> Any:
    """One request of the person."""
    return await bot.sandbox.request("POST", f"/chats/{bot.person}/{what}", {**body, "bot": bot.id})


def file_of(name: str, data: bytes, **rest: str) -> dict[str, str]:
    """A file as the JSON API takes it."""
    return {"name": name, "data": base64.b64encode(data).decode(), **rest}


@pytest.mark.parametrize("kind", ["document", "photo", "voice", "video", "video_note", "audio", "sticker"])
async def test_a_person_sends_a_file_of_any_kind(bot: Bot, kind: str) -> None:
    """With a caption; the bot loads its bytes, of several parts, too."""
    data = png(5, 7) if kind == "photo" else bytes(range(256)) * 3000
    await bot.sandbox.say(bot.person, "look", bot.id, file=file_of("it.bin", data, kind=kind))
    message = await bot.hear()
    assert message.caption == "look"
    assert getattr(message, kind) is not None
    assert (await bot.client.download_media(message, in_memory=True)).getvalue() == data
    assert (await bot.shown())[-1]["file"]["kind"] == kind


async def test_a_person_shares_a_contact_and_a_location(bot: Bot) -> None:
    """What the buttons that ask for them answer with; a person who is here is named by their id."""
    known = {"phone_number": f"999{bot.person}", "first_name": "Ann"}
    await bot.sandbox.say(bot.person, "", bot.id, contact=known)
    contact = (await bot.hear()).contact
    assert (contact.phone_number, contact.first_name, contact.user_id) == (
        known["phone_number"],
        "Ann",
        bot.person,
    )
    await bot.sandbox.say(bot.person, "", bot.id, location={"latitude": 48.5, "longitude": -2.25})
    place = (await bot.hear()).location
    assert (place.latitude, place.longitude) == (48.5, -2.25)
    assert (await bot.shown())[-1]["attached"] == {"kind": "location", "latitude": 48.5, "longitude": -2.25}


async def test_a_person_replies_and_forwards(bot: Bot) -> None:
    """The bot is told which message is answered, and who wrote first."""
    first = (await bot.send("question", 1)).id
    await bot.sandbox.say(bot.person, "answer", bot.id, reply_to=first)
    assert (await bot.hear()).reply_to_message_id == first
    await bot.sandbox.say(bot.person, "not mine", bot.id, forwarded={"name": "Bob"})
    assert (await bot.hear()).forward_sender_name == "Bob"
    await bot.sandbox.say(bot.person, "not mine", bot.id, forwarded={"person": bot.person})
    assert (await bot.hear()).forward_from.id == bot.person


async def test_a_forwarded_message_names_its_author(bot: Bot) -> None:
    """Whoever forwards it."""
    said = await bot.sandbox.say(bot.person, "mine", bot.id)
    copy = await bot.client.forward_messages(bot.person, bot.person, said)
    assert (copy.text, copy.forward_from.id) == ("mine", bot.person)


async def test_a_person_edits_and_deletes(bot: Bot) -> None:
    """Their own text; any message of the chat. The bot's text is not theirs to change."""
    said = await bot.sandbox.say(bot.person, "frist", bot.id)
    await act(bot, "edit", message_id=said, text="first")
    shown = (await bot.shown())[-1]
    assert (shown["text"], shown["edited"]) == ("first", True)
    own = (await bot.send("mine", 1)).id
    with pytest.raises(SandboxError, match="the bot's"):
        await act(bot, "edit", message_id=own, text="x")
    assert await act(bot, "delete", message_ids=[said, own]) == {"deleted": 2}
    while not isinstance(update := await bot.updates.get(), raw.types.UpdateDeleteMessages):
        pass
    assert update.messages == [said, own]


async def test_a_bot_of_a_newer_layer_hears_of_reactions_and_pins(bot: Bot) -> None:
    """And takes part in both; layer 158 has no update for a person's reaction."""
    sandbox = bot.sandbox
    number = (await bot.send("like it?", 1)).id
    async with Probe(sandbox, layer=229) as probe:
        await probe.sign_in(bot.id)
        shown = await act(bot, "react", message_id=number, emoji="👍")
        assert shown["reactions"] == [{"from": bot.person, "emoji": "👍"}]
        [update] = await updates_of(probe)
        assert (update["_"], update["msg_id"]) == ("updateBotMessageReaction", number)
        assert update["new_reactions"] == [{"_": "reactionEmoji", "emoticon": "👍"}]
        peer = {"_": "inputPeerUser", "user_id": bot.person, "access_hash": 0}
        heart = [{"_": "reactionEmoji", "emoticon": "❤"}]
        request = {"_": "messages.sendReaction", "peer": peer, "msg_id": number, "reaction": heart}
        [update] = (await probe.call(request))["updates"]
        assert {one["reaction"]["emoticon"] for one in update["reactions"]["results"]} == {"👍", "❤"}
        await probe.call({"_": "messages.updatePinnedMessage", "peer": peer, "id": number})
        assert (await bot.shown())[-1]["pinned"]
        await act(bot, "pin", message_id=number, pinned=False)
        [update] = await updates_of(probe)
        assert (update["_"], update.get("pinned", False), update["messages"]) == (
            "updatePinnedMessages",
            False,
            [number],
        )
        shown = await act(bot, "react", message_id=number, emoji=None)
        assert shown["reactions"] == [{"from": bot.id, "emoji": "❤"}]


async def updates_of(probe: Probe) -> list[dict[str, Any]]:
    """The next updates."""
    message = await probe.until(probe.schema.constructors["updates"].id)
    found: list[dict[str, Any]] = probe.schema.read_object(message.whole)["updates"]
    return found


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"text": " "}, "white space"),
        ({"text": "x", "location": {"latitude": 1, "longitude": 1}}, "no text"),
        ({"file": file_of("a", b"a"), "contact": {"phone_number": "1", "first_name": "A"}}, "alone"),
        ({"file": file_of("a", b"a"), "text": "x" * 1025}, "1024"),
        ({"file": file_of("a", b"no picture", kind="photo")}, "IMAGE_PROCESS_FAILED"),
        ({"text": "x", "reply_to": 10_000}, "no message"),
        ({"location": {"latitude": 91, "longitude": 1}}, "latitude"),
        ({"text": "x", "forwarded": {"person": 1}}, "no person"),
    ],
)
async def test_what_nobody_can_send_is_refused(bot: Bot, body: dict[str, Any], says: str) -> None:
    """In a sentence."""
    with pytest.raises(SandboxError, match=says):
        await act(bot, "say", **body)
