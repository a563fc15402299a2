"""What a side is doing right now."""

import pytest

from ...probe import Probe
from ...pyrogram_bot import Bot, pyrogram
from ...sent_files import call, functions, types


async def test_uploading_is_told_with_its_progress(bot: Bot) -> None:
    """The journal lists the newest actions of a bot, by the Bot API's names."""
    peer = await bot.client.resolve_peer(bot.person)
    await bot.client.send_chat_action(bot.person, pyrogram.enums.ChatAction.TYPING)
    action = types.SendMessageUploadDocumentAction(progress=40)
    await call(bot, functions.messages.SetTyping(peer=peer, action=action))
    told = (await bot.sandbox.journal(bot.id))["actions"]
    assert told == [
        {"from": bot.id, "chat": bot.person, "action": "typing", "progress": None},
        {"from": bot.id, "chat": bot.person, "action": "upload_document", "progress": 40},
    ]


@pytest.mark.parametrize(
    "kind", ["CHOOSE_STICKER", "FIND_LOCATION", "RECORD_VIDEO_NOTE", "PLAYING", "UPLOAD_PHOTO"]
)
async def test_the_other_side_sees_what_is_done(bot: Bot, kind: str) -> None:
    """Every kind of action arrives as itself."""
    sandbox = bot.sandbox
    async with Probe(sandbox) as person:
        await person.sign_in_person(bot.person)
        action = pyrogram.enums.ChatAction[kind]
        await bot.client.send_chat_action(bot.person, action)
        message = await person.until(person.schema.constructors["updates"].id)
        [update] = person.schema.read_object(message.whole)["updates"]
    name = action.value.QUALNAME.rpartition(".")[2]
    assert update["action"]["_"] == name[0].lower() + name[1:]
