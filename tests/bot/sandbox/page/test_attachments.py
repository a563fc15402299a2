"""Files on the chat page, in real Chromium and as wide as a phone."""

import struct
import zlib
from collections.abc import Callable

from playwright.async_api import Page, expect

from ....chromium import needs_chromium
from ..pyrogram_bot import Bot
from ..sent_files import (
    as_document,
    as_photo,
    call,
    functions,
    send_album,
    send_media,
    stored,
    types,
    uploaded,
)

pytestmark = needs_chromium

Ids = Callable[[], int]
VIDEO = types.DocumentAttributeVideo(duration=75, w=640, h=360)


def picture(width: int, height: int) -> bytes:
    """A whole grey PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x88" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


async def fits(page: Page) -> bool:
    """Whether nothing is cut off at the side."""
    return bool(
        await page.evaluate(
            "['html', '#scroller', '.bubble'].every(name => [...document.querySelectorAll(name)]"
            ".every(box => box.scrollWidth <= box.clientWidth))"
        )
    )


async def photo(bot: Bot, upload: int, **rest: bool) -> object:
    """A stored photo."""
    return await stored(bot, as_photo(await uploaded(bot, upload, picture(160, 90), "a.png"), **rest))


async def test_an_album_is_one_bubble_with_a_grid(bot: Bot, new_id: Ids, page: Page) -> None:
    """Pictures and videos as tiles, one caption; a spoiler opens; a deleted one leaves the grid."""
    video = await stored(
        bot, as_document(await uploaded(bot, new_id(), b"data", "v.mp4"), "video/mp4", [VIDEO])
    )
    media = [await photo(bot, new_id()), video, await photo(bot, new_id(), spoiler=True)]
    await send_album(bot, list(enumerate(media, 1)), "three", silent=True)
    album = page.locator(".theirs .album")
    await expect(album.locator("> *")).to_have_count(3)
    await expect(page.locator(".theirs .bubble")).to_have_count(1)
    await expect(page.locator(".theirs .text")).to_have_text("three")
    await expect(page.locator(".theirs .silent")).to_be_visible()
    await expect(album.locator(".film .length")).to_have_text("1:15")
    await album.locator(".cover").click()
    await expect(album.locator("img")).to_have_count(2)
    await expect(album.locator("img").first).to_have_js_property("naturalWidth", 160)
    assert await fits(page)
    last = (await bot.shown())[-1]["id"]
    await bot.client.delete_messages(bot.person, last)
    await expect(album.locator("> *")).to_have_count(2)


async def test_other_files_are_lines_with_name_length_and_size(bot: Bot, new_id: Ids, page: Page) -> None:
    """Without a player; a click saves the file; a long name wraps."""
    name = "очень_длинное_имя_без_пробелов_" * 4 + ".pdf"
    song = types.DocumentAttributeAudio(duration=215, title="Blue", performer="Ann")
    voice = types.DocumentAttributeAudio(duration=5, voice=True)
    await send_media(bot, as_document(await uploaded(bot, new_id(), b"%PDF", name), "application/pdf"), 1)
    await send_media(
        bot, as_document(await uploaded(bot, new_id(), bytes(2000), "s"), "audio/mpeg", [song]), 2
    )
    await send_media(
        bot, as_document(await uploaded(bot, new_id(), bytes(900), "v"), "audio/ogg", [voice]), 3
    )
    await send_media(bot, as_document(await uploaded(bot, new_id(), b"v", "v.mp4"), "video/mp4", [VIDEO]), 4)
    await expect(page.locator(".document-name")).to_have_text([name, "Ann – Blue", "Voice message", "v.mp4"])
    await expect(page.locator(".document-size")).to_have_text(
        ["4 B", "3:35 · 2.0 kB", "0:05 · 900 B", "1:15 · 640×360 · 1 B"]
    )
    await expect(page.locator("audio, video")).to_have_count(0)
    assert await fits(page)
    async with page.expect_download() as download:
        await page.locator(".document").first.click()
    saved = await download.value
    assert await saved.path()
    assert saved.suggested_filename == name


async def test_an_upload_under_way_and_a_preview_are_told(bot: Bot, page: Page) -> None:
    """In the head of the chat; under the text."""
    peer = await bot.client.resolve_peer(bot.person)
    action = types.SendMessageUploadDocumentAction(progress=40)
    await call(bot, functions.messages.SetTyping(peer=peer, action=action))
    await expect(page.locator("#chat-state")).to_contain_text("is sending a file, 40 %")
    await bot.send("see example.org/a", 1)
    await expect(page.locator(".preview b")).to_have_text("example.org")
    await bot.send("see example.org/b", 2, no_webpage=True)
    await expect(page.locator(".theirs .text")).to_have_count(2)
    await expect(page.locator(".preview")).to_have_count(1)
