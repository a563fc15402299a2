"""Files in messages: their kinds, dimensions and names, captions, spoilers, and the way back down."""

import asyncio
import io
import math
from collections.abc import Callable

import httpx
import pytest

from djangobot.bot.sandbox.testing import SandboxProcess

from ...probe import Probe
from ...pyrogram_bot import Bot, errors, types, until_used
from ...sent_files import as_document, as_photo, functions, png, send_media, uploaded
from ...sent_files import types as raw_types

Ids = Callable[[], int]


async def test_files_go_up_and_down_in_parts(bot: Bot) -> None:
    """Several parts each way, the caption, and the page's copy of the file."""
    body = io.BytesIO(bytes(range(256)) * 5000)
    body.name = "чис ла.bin"
    message = await bot.client.send_document(bot.person, body, caption="all of them")
    fetched = await bot.client.download_media(message, in_memory=True)
    assert bytes(fetched.getbuffer()) == body.getvalue()
    shown = (await bot.shown())[-1]
    assert (shown["text"], shown["file"]["name"], shown["file"]["size"]) == (
        "all of them",
        "чис ла.bin",
        1280000,
    )
    async with httpx.AsyncClient(base_url=bot.sandbox.web) as browser:
        answer = await browser.get(shown["file"]["url"])
    assert answer.content == body.getvalue()
    assert answer.headers["Content-Length"] == "1280000"
    assert "%D1%87%D0%B8%D1%81%20%D0%BB%D0%B0.bin" in answer.headers["Content-Disposition"]


async def test_a_photo_is_measured_by_its_bytes(bot: Bot) -> None:
    """And comes with a spoiler when it is asked for."""
    picture = io.BytesIO(png(5, 7))
    picture.name = "dot.png"
    await bot.client.send_photo(bot.person, picture, caption="dot", has_spoiler=True)
    shown = (await bot.shown())[-1]
    assert (shown["file"]["kind"], shown["file"]["width"], shown["file"]["height"]) == ("photo", 5, 7)
    assert shown["file"]["spoiler"]
    assert shown["text"] == "dot"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (png(9_000, 1_001), errors.PhotoInvalidDimensions),
        (png(2_100, 100), errors.PhotoInvalidDimensions),
        (png(100, 100, (10 << 20) + 1), errors.PhotoSaveFileInvalid),
        (b"%PDF", errors.ImageProcessFailed),
    ],
)
async def test_photos_are_held_to_telegrams_limits(
    bot: Bot, new_id: Ids, data: bytes, error: type[Exception]
) -> None:
    """10 MB, both sides together 10 000, ratio 20; the same file goes as a document, and is measured."""
    file = await uploaded(bot, new_id(), data, "picture.png")
    with pytest.raises(error):
        await send_media(bot, as_photo(file), 1)
    await send_media(bot, as_document(file, "image/png", force_file=True), 1)
    shown = (await bot.shown())[-1]["file"]
    assert (shown["kind"], shown["size"]) == ("document", len(data))
    assert shown["width"] == (int.from_bytes(data[16:20], "big") if len(data) > 20 else 0)


@pytest.mark.parametrize(
    ("attribute", "kind", "says"),
    [
        (raw_types.DocumentAttributeAudio(duration=61, title="Song", performer="Ann"), "audio", "Song"),
        (raw_types.DocumentAttributeAudio(duration=61, voice=True), "voice", ""),
        (raw_types.DocumentAttributeVideo(duration=61, w=640, h=360), "video", ""),
        (raw_types.DocumentAttributeAnimated(), "animation", ""),
        (raw_types.DocumentAttributeFilename(file_name="other.bin"), "document", ""),
    ],
)
async def test_a_documents_kind_is_what_its_attributes_say(
    bot: Bot, new_id: Ids, attribute: object, kind: str, says: str
) -> None:
    """With length, dimensions, title and performer; the recipient's client reads the same."""
    file = await uploaded(bot, new_id(), b"data", "data.bin")
    await send_media(bot, as_document(file, "x/y", [attribute]), 1)
    shown = (await bot.shown())[-1]["file"]
    assert (shown["kind"], shown["mime"], shown["title"]) == (kind, "x/y", says)
    assert shown["duration"] == (61 if kind in ("audio", "voice", "video") else None)
    assert (shown["width"], shown["height"]) == ((640, 360) if kind == "video" else (0, 0))
    assert shown["name"] == ("other.bin" if kind == "document" else "data.bin")
    await send_media(bot, as_document(file, "x/y", [attribute], force_file=True), 2)
    assert (await bot.shown())[-1]["file"]["kind"] == "document"


async def test_what_a_sender_says_of_a_file_breaks_nothing(
    shared_sandbox: SandboxProcess, new_id: Ids
) -> None:
    """A length that is no number, a type with a line break, a name with everything; read by layer 158."""
    number, person = new_id(), await shared_sandbox.person(id=new_id())
    name = 'a/../"\r\n\x00\u202e.txt'
    file = {"_": "inputFile", "id": 5, "parts": 1, "name": name, "md5_checksum": ""}
    video = {"_": "documentAttributeVideo", "duration": math.nan, "w": -1, "h": 1 << 30}
    media = {"_": "inputMediaUploadedDocument", "file": file, "mime_type": "video/x\r\nX-Evil: 1"}
    peer = {"_": "inputPeerUser", "user_id": person, "access_hash": 0}
    request = {"_": "messages.sendMedia", "peer": peer, "message": "", "random_id": 1}
    async with Probe(shared_sandbox, layer=229) as probe:
        await probe.sign_in(number)
        await shared_sandbox.say(person, "/start", number)
        part = {"_": "upload.saveFilePart", "file_id": 5, "file_part": 0, "bytes": b"data"}
        assert await probe.call(part)
        assert await probe.call({**request, "media": {**media, "attributes": [video]}})
    shown = (await shared_sandbox.messages(person, bot=number))[-1]["file"]
    assert (shown["kind"], shown["duration"], shown["name"]) == ("video", None, name)
    async with httpx.AsyncClient(base_url=shared_sandbox.web) as browser:
        answer = await browser.get(shown["url"])
    assert (answer.content, answer.headers["Content-Type"]) == (b"data", "application/octet-stream")
    assert "X-Evil" not in answer.headers
    async with Probe(shared_sandbox) as older:
        await older.sign_in(number)
        newest = {"_": "messages.getMessages", "id": [{"_": "inputMessageID", "id": 2}]}
        [message] = (await older.call(newest))["messages"]
    assert message["media"]["document"]["attributes"][0]["duration"] == 0


async def test_a_caption_has_1024_utf16_units(bot: Bot, new_id: Ids) -> None:
    """MEDIA_CAPTION_TOO_LONG otherwise; entities count in the caption."""
    media = as_document(await uploaded(bot, new_id(), b"data"))
    with pytest.raises(errors.MediaCaptionTooLong):
        await send_media(bot, media, 1, "😀" * 513)
    bold = raw_types.MessageEntityBold(offset=1, length=2)
    await send_media(bot, media, 1, " 😀" + "x" * 1000, entities=[bold])
    shown = (await bot.shown())[-1]
    assert (shown["text"][:2], shown["entities"]) == ("😀x", [{"type": "bold", "offset": 0, "length": 2}])


async def test_a_repeated_file_is_recognised_by_its_random_id(bot: Bot, new_id: Ids) -> None:
    """Also when its parts are forgotten; after a cut it is in the chat once."""
    media = as_document(await uploaded(bot, new_id(), b"data"))
    await bot.sandbox.fault("drop_answer", "messages.sendMedia", chat=bot.person)
    sending = asyncio.create_task(bot.client.session.send(await _request(bot, media, 5)))
    await until_used(bot)
    with pytest.raises(TimeoutError):  # the answer would be waited for 15 s
        await asyncio.wait_for(sending, 0.1)
    await bot.sandbox.fault("forget_parts", "messages.sendMedia", chat=bot.person)
    await send_media(bot, media, 5)
    assert [message["random_id"] for message in await bot.shown() if message["file"]] == [5]


async def _request(bot: Bot, media: object, random_id: int) -> object:
    peer = await bot.client.resolve_peer(bot.person)
    return functions.messages.SendMedia(peer=peer, media=media, message="", random_id=random_id)


async def test_what_a_message_is_besides_its_text_is_shown(bot: Bot) -> None:
    """Silent, a reply, a link with and without its preview, buttons of both kinds."""
    buttons = types.InlineKeyboardMarkup(
        [
            [
                types.InlineKeyboardButton("Docs", url="https://example.org"),
                types.InlineKeyboardButton("OK", "ok"),
            ]
        ]
    )
    first = await bot.client.send_message(bot.person, "https://example.org", reply_markup=buttons)
    await bot.client.send_message(
        bot.person,
        "https://example.org",
        disable_web_page_preview=True,
        disable_notification=True,
        reply_to_message_id=first.id,
    )
    loud, silent = (await bot.shown())[-2:]
    assert (loud["silent"], loud["preview"], loud["reply_to"]) == (False, True, None)
    assert (silent["silent"], silent["preview"], silent["reply_to"]) == (True, False, first.id)
    assert loud["buttons"] == [
        [
            {"kind": "url", "text": "Docs", "url": "https://example.org"},
            {"kind": "callback", "text": "OK", "data": "ok"},
        ]
    ]
    await bot.client.delete_messages(bot.person, first.id)
    with pytest.raises(errors.BadRequest, match="REPLY_MESSAGE_ID_INVALID"):
        await bot.client.send_message(bot.person, "late", reply_to_message_id=first.id)


async def test_stickers_and_video_notes_keep_their_kind(bot: Bot) -> None:
    """A sticker its emoji, too."""
    file = io.BytesIO(b"RIFF0000WEBPVP8 ")
    file.name = "sticker.webp"
    sticker = await bot.client.send_sticker(bot.person, file)
    assert (await bot.shown())[-1]["file"]["kind"] == "sticker"
    assert sticker.sticker.mime_type == "image/webp"
    note = io.BytesIO(bytes(100))
    note.name = "note.mp4"
    sent = await bot.client.send_video_note(bot.person, note)
    assert (await bot.shown())[-1]["file"]["kind"] == "video_note"
    assert sent.video_note is not None
