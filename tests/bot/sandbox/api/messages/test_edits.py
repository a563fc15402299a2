"""Changing and deleting messages: text, caption, file; 48 hours for bots."""

from collections.abc import Callable

import pytest

from ...pyrogram_bot import Bot, errors
from ...sent_files import (
    as_document,
    as_photo,
    call,
    functions,
    png,
    send_album,
    send_media,
    stored,
    types,
    uploaded,
)

Ids = Callable[[], int]


async def edit(bot: Bot, number: int, **changes: object) -> None:
    """messages.editMessage with these fields alone."""
    peer = await bot.client.resolve_peer(bot.person)
    await call(bot, functions.messages.EditMessage(peer=peer, id=number, **changes))


async def test_a_caption_and_a_file_can_be_changed(bot: Bot, new_id: Ids) -> None:
    """Each alone or both; the same again is MESSAGE_NOT_MODIFIED."""
    await send_media(bot, as_document(await uploaded(bot, new_id(), b"old", "old.txt")), 1, "first")
    number = (await bot.shown())[-1]["id"]
    await edit(bot, number, message="second")
    shown = (await bot.shown())[-1]
    assert (shown["text"], shown["file"]["name"], shown["edited"]) == ("second", "old.txt", True)
    with pytest.raises(errors.MessageNotModified):
        await edit(bot, number, message="second")
    with pytest.raises(errors.MediaCaptionTooLong):
        await edit(bot, number, message="x" * 1025)
    new = as_photo(await uploaded(bot, new_id(), png(4, 3), "new.png"))
    await edit(bot, number, media=new, message="third")
    shown = (await bot.shown())[-1]
    assert (shown["text"], shown["file"]["kind"], shown["id"]) == ("third", "photo", number)
    await edit(bot, number, message="")
    assert (await bot.shown())[-1]["text"] == ""


async def test_a_text_can_get_a_file_and_loses_its_preview(bot: Bot, new_id: Ids) -> None:
    """A text with a link that is edited without preview is a change."""
    number = (await bot.send("https://example.org", 1)).id
    assert (await bot.shown())[-1]["preview"]
    await edit(bot, number, message="https://example.org", no_webpage=True)
    assert not (await bot.shown())[-1]["preview"]
    with pytest.raises(errors.MessageNotModified):
        await edit(bot, number, message="https://example.org", no_webpage=True)
    await edit(bot, number, media=as_photo(await uploaded(bot, new_id(), png(4, 3))))
    shown = (await bot.shown())[-1]
    assert (shown["text"], shown["file"]["kind"]) == ("https://example.org", "photo")
    with pytest.raises(errors.MessageEmpty):
        await edit(bot, number)


async def test_an_album_keeps_its_kind_and_a_voice_message_its_voice(bot: Bot, new_id: Ids) -> None:
    """MEDIA_NEW_INVALID, MEDIA_PREV_INVALID."""
    pictures = [await stored(bot, as_photo(await uploaded(bot, new_id(), png(4, 3)))) for _ in range(2)]
    await send_album(bot, list(enumerate(pictures, 1)))
    number = (await bot.shown())[-1]["id"]
    file = as_document(await uploaded(bot, new_id(), b"data"))
    with pytest.raises(errors.MediaNewInvalid):
        await edit(bot, number, media=file)
    await edit(bot, number, media=as_photo(await uploaded(bot, new_id(), png(8, 6))))
    assert (await bot.shown())[-1]["file"]["width"] == 8
    voice = types.DocumentAttributeAudio(duration=1, voice=True)
    await send_media(bot, as_document(await uploaded(bot, new_id(), b"data"), "audio/ogg", [voice]), 9)
    with pytest.raises(errors.MediaPrevInvalid):
        await edit(bot, (await bot.shown())[-1]["id"], media=file)


async def test_a_bot_deletes_within_48_hours(bot: Bot) -> None:
    """MESSAGE_DELETE_FORBIDDEN after that, and nothing of the call is deleted; an edit is still possible."""
    old = (await bot.send("old", 1)).id
    await bot.sandbox.settings(clock_shift=48 * 3600 + 5)
    new = (await bot.send("new", 2)).id
    with pytest.raises(errors.MessageDeleteForbidden):
        await bot.client.delete_messages(bot.person, [new, old])
    assert [message["deleted"] for message in (await bot.shown())[-2:]] == [False, False]
    await edit(bot, old, message="older")
    await bot.sandbox.settings(clock_shift=47 * 3600)
    await bot.client.delete_messages(bot.person, [new, old])
    assert [message["deleted"] for message in (await bot.shown())[-2:]] == [True, True]
    with pytest.raises(errors.MessageIdInvalid):
        await edit(bot, old, message="gone")
    assert await bot.client.delete_messages(bot.person, [old, 999_999]) == 0
