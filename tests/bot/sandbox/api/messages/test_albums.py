"""Albums: 2 to 10 files of one group, each with a random_id of its own."""

from collections.abc import Callable
from typing import Any

import pytest

from ...pyrogram_bot import Bot, errors
from ...sent_files import (
    album,
    as_document,
    as_photo,
    call,
    call_until_answered,
    png,
    send_album,
    stored,
    types,
    uploaded,
)

Ids = Callable[[], int]
VIDEO = types.DocumentAttributeVideo(duration=1, w=4, h=3)
AUDIO = types.DocumentAttributeAudio(duration=1)


async def photo(bot: Bot, upload: int) -> Any:
    """A stored photo."""
    return await stored(bot, as_photo(await uploaded(bot, upload, png(40, 30), "a.png")))


async def document(bot: Bot, upload: int, *attributes: Any) -> Any:
    """A stored document."""
    return await stored(bot, as_document(await uploaded(bot, upload, b"data"), "x/y", list(attributes)))


async def test_an_albums_messages_share_a_group(bot: Bot, new_id: Ids) -> None:
    """Each has its own random_id; the caption is the first one's; a photo and a video go together."""
    items = [(11, await photo(bot, new_id())), (12, await document(bot, new_id(), VIDEO))]
    answer = await send_album(bot, items, "both", silent=True)
    ids = [update.random_id for update in answer.updates if isinstance(update, types.UpdateMessageID)]
    assert ids == [11, 12]
    first, second = (await bot.shown())[-2:]
    assert first["group"] == second["group"] is not None
    assert [(m["random_id"], m["text"], m["silent"]) for m in (first, second)] == [
        (11, "both", True),
        (12, "", True),
    ]
    assert [m["file"]["kind"] for m in (first, second)] == ["photo", "video"]


async def test_a_repeated_album_adds_what_is_missing_and_doubles_nothing(bot: Bot, new_id: Ids) -> None:
    """Whether the answer was lost or one item is new; the group stays, the answer names every item."""
    items = [(21, await photo(bot, new_id())), (22, await photo(bot, new_id()))]
    await bot.sandbox.fault("cut_after", "messages.sendMultiMedia", chat=bot.person)
    await call_until_answered(bot, await album(bot, items))
    assert (await bot.sandbox.journal())["faults"]["cut_after"] >= 1
    answer = await send_album(bot, [*items, (23, await photo(bot, new_id()))])
    named = {update.random_id for update in answer.updates if isinstance(update, types.UpdateMessageID)}
    assert named == {21, 22, 23}
    sent = [message for message in await bot.shown() if message["file"]]
    assert [message["random_id"] for message in sent] == [21, 22, 23]
    assert len({message["group"] for message in sent}) == 1


@pytest.mark.parametrize(
    "kinds", [("photo", "document"), ("document", "audio"), ("video", "document"), ("photo", "voice")]
)
async def test_what_does_not_go_together_is_refused_whole(
    bot: Bot, new_id: Ids, kinds: tuple[str, ...]
) -> None:
    """MEDIA_GROUPED_INVALID, and nothing is sent."""
    attributes = {
        "video": [VIDEO],
        "audio": [AUDIO],
        "voice": [types.DocumentAttributeAudio(duration=1, voice=True)],
    }
    media = [
        await photo(bot, new_id())
        if kind == "photo"
        else await document(bot, new_id(), *attributes.get(kind, []))
        for kind in kinds
    ]
    before = await bot.shown()
    with pytest.raises(errors.BadRequest, match="MEDIA_GROUPED_INVALID"):
        await send_album(bot, list(enumerate(media, 31)))
    assert await bot.shown() == before


async def test_an_album_has_at_most_ten_stored_files(bot: Bot, new_id: Ids) -> None:
    """MULTI_MEDIA_TOO_LONG, MEDIA_EMPTY, MEDIA_INVALID for what was not stored; one file has no group."""
    picture = await photo(bot, new_id())
    with pytest.raises(errors.MultiMediaTooLong):
        await send_album(bot, [(number, picture) for number in range(41, 52)])
    with pytest.raises(errors.MediaEmpty):
        await send_album(bot, [])
    with pytest.raises(errors.MediaInvalid):
        await send_album(bot, [(41, as_photo(await uploaded(bot, new_id(), png(4, 3))))])
    with pytest.raises(errors.RandomIdDuplicate):
        await send_album(bot, [(41, picture), (41, picture)])
    with pytest.raises(errors.MediaEmpty):
        await send_album(bot, [(41, picture), (42, types.InputMediaEmpty())])
    await send_album(bot, [(number, picture) for number in range(41, 51)])
    assert len({message["group"] for message in (await bot.shown())[-10:]}) == 1
    await send_album(bot, [(60, picture)])
    assert (await bot.shown())[-1]["group"] is None


async def test_each_file_of_an_album_has_a_caption_of_its_own(bot: Bot, new_id: Ids) -> None:
    """With its bold words; one that is too long refuses them all."""
    picture = await photo(bot, new_id())
    request = await album(bot, [(71, picture), (72, picture), (73, picture)])
    for item, caption in zip(request.multi_media, ["one", "two", "x" * 1025], strict=True):
        item.message, item.entities = caption, [types.MessageEntityBold(offset=0, length=3)]
    before = await bot.shown()
    with pytest.raises(errors.MediaCaptionTooLong):
        await call(bot, request)
    assert await bot.shown() == before
    request.multi_media[2].message = "x" * 1024
    await call(bot, request)
    assert [message["text"] for message in (await bot.shown())[-3:]] == ["one", "two", "x" * 1024]
    bold = {"type": "bold", "offset": 0, "length": 3}
    assert [message["entities"] for message in (await bot.shown())[-3:]] == [[bold]] * 3
