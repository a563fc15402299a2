"""Parts of files on their way up: Telegram's limits, and parts that it has forgotten."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ...pyrogram_bot import Bot, errors
from ...sent_files import PART, as_document, save_part, send_media, types, uploaded

Ids = Callable[[], int]


@pytest.mark.parametrize(
    ("number", "size", "total", "error"),
    [
        (0, 0, None, errors.FilePartEmpty),
        (4000, 1024, None, errors.FilePartInvalid),
        (-1, 1024, None, errors.FilePartInvalid),
        (0, PART, 4001, errors.FilePartsInvalid),
        (0, PART, 0, errors.FilePartsInvalid),
        (2, PART, 2, errors.FilePartInvalid),
        (0, 1000, 2, errors.FilePartSizeInvalid),
        (0, 3 << 10, 2, errors.FilePartSizeInvalid),
        (0, PART + 1024, None, errors.FilePartTooBig),
    ],
)
async def test_parts_are_held_to_telegrams_limits(
    bot: Bot, new_id: Ids, number: int, size: int, total: int | None, error: type[Exception]
) -> None:
    """A part has 1 to 512 KiB and divides 512 KiB; a file has 4 000 parts."""
    with pytest.raises(error):
        await save_part(bot, new_id(), number, bytes(size), total=total)


async def test_parts_of_a_big_file_have_one_size(bot: Bot, new_id: Ids) -> None:
    """But the last, which may be shorter."""
    upload = new_id()
    await save_part(bot, upload, 0, bytes(PART), total=22)
    with pytest.raises(errors.FilePartSizeChanged):
        await save_part(bot, upload, 1, bytes(PART // 2), total=22)
    await save_part(bot, upload, 21, b"end", total=22)


async def test_a_file_above_10_mb_comes_as_a_big_one(bot: Bot, new_id: Ids) -> None:
    """Small parts of more bytes are refused when the file is made."""
    upload = new_id()
    for number in range(21):
        await save_part(bot, upload, number, bytes(PART))
    small = types.InputFile(id=upload, parts=21, name="x", md5_checksum="")
    with pytest.raises(errors.FilePartsInvalid):
        await send_media(bot, as_document(small), 1)
    await send_media(bot, as_document(types.InputFileBig(id=upload, parts=21, name="x")), 1)
    assert (await bot.shown())[-1]["file"]["size"] == 21 * PART


@pytest.mark.parametrize(("sizes", "wrong"), [((1024, 2048), True), ((2048, 1024), False), ((3072, 1), True)])
async def test_parts_of_a_small_file_have_one_size_that_divides_512_kib(
    bot: Bot, new_id: Ids, sizes: tuple[int, ...], wrong: bool
) -> None:
    """FILE_PART_SIZE_INVALID when the file is made."""
    upload = new_id()
    for number, size in enumerate(sizes):
        await save_part(bot, upload, number, bytes(size))
    media = as_document(types.InputFile(id=upload, parts=len(sizes), name="x", md5_checksum=""))
    if wrong:
        with pytest.raises(errors.FilePartSizeInvalid):
            await send_media(bot, media, 1)
    else:
        await send_media(bot, media, 1)


async def test_a_missing_part_is_named(bot: Bot, new_id: Ids) -> None:
    """Sent again, the file is whole; so it is when all parts were forgotten."""
    upload = new_id()
    file = await uploaded(bot, upload, bytes(3 * PART))
    await bot.sandbox.fault("forget_parts", "messages.sendMedia", value=1, chat=bot.person)
    with pytest.raises(errors.FilePartMissing) as caught:
        await send_media(bot, as_document(file), 1)
    assert caught.value.value == 1
    await save_part(bot, upload, 1, bytes(PART))
    await send_media(bot, as_document(file), 1)
    await bot.sandbox.fault("forget_parts", "messages.sendMedia", chat=bot.person)
    with pytest.raises(errors.FilePartMissing) as caught:
        await send_media(bot, as_document(file), 2)
    assert caught.value.value == 0
    shown = await bot.shown()
    assert [message["random_id"] for message in shown if message["file"]] == [1]
    await bot.sandbox.fault("error", "messages.sendMedia", value="FILE_PART_7_MISSING", chat=bot.person)
    with pytest.raises(errors.FilePartMissing) as caught:
        await send_media(bot, as_document(file), 3)
    assert caught.value.value == 7


async def test_a_call_that_names_the_same_parts_again_makes_the_file_again(bot: Bot, new_id: Ids) -> None:
    """Telegram keeps parts for a while after their use; a part sent anew does not change the first file."""
    upload = new_id()
    file = await uploaded(bot, upload, b"first")
    await send_media(bot, as_document(file), 1)
    await save_part(bot, upload, 0, b"later")
    await send_media(bot, as_document(file), 2)
    first, later = (await bot.shown())[-2:]
    assert await bot.sandbox.file(first["file"]["id"]) == b"first"
    assert await bot.sandbox.file(later["file"]["id"]) == b"later"


async def test_a_wrong_checksum_is_refused(bot: Bot, new_id: Ids) -> None:
    """Clients name the MD5 of small files."""
    file = await uploaded(bot, new_id(), b"data")
    file.md5_checksum = "0" * 32
    with pytest.raises(errors.Md5ChecksumInvalid):
        await send_media(bot, as_document(file), 1)


async def test_files_are_for_their_owner_alone(bot: Bot, new_id: Ids) -> None:
    """Parts, stored files and the database: nobody else on the machine may read what was sent."""
    await send_media(bot, as_document(await uploaded(bot, new_id(), b"secret")), 1)
    assert modes(bot.sandbox.state / "files", stat.S_ISDIR) == {0o700}
    assert modes(bot.sandbox.state / "files", stat.S_ISREG) == {0o600}
    assert stat.S_IMODE((bot.sandbox.state / "state.sqlite").stat().st_mode) == 0o600


def modes(folder: Path, kind: Callable[[int], bool]) -> set[int]:
    """The modes of all files, or all folders, in a folder."""
    found = [path.stat().st_mode for path in (folder, *folder.rglob("*"))]
    return {stat.S_IMODE(mode) for mode in found if kind(mode)}
