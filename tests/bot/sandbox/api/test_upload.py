"""Files."""

import io

import httpx

from djangobot.bot.sandbox.api.upload import image_size

from ..pyrogram_bot import Bot


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


def test_image_sizes_are_read_from_the_file() -> None:
    """PNG, GIF and JPEG."""
    assert image_size(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x07") == (5, 7)
    assert image_size(b"GIF89a\x05\0\x07\0") == (5, 7)
    assert image_size(b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x07\0\x05\x03") == (5, 7)
    assert image_size(b"%PDF") == (0, 0)
