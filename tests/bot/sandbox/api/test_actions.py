"""What a side is doing right now."""

from ..pyrogram_bot import Bot, pyrogram
from ..sent_files import call, functions, types


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
