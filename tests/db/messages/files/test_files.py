"""Files: their bytes come and go in pieces, on disk or in PostgreSQL, and nothing is left behind."""

import asyncio
import os
import random
import resource
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from stat import S_IMODE
from typing import Any

import psutil
import pytest

from djangobot.db.clock import utc_now
from djangobot.db.delivery.limits import disk_floor
from djangobot.db.engine import current
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import FileDiskFull, FileGone, FilesTooLarge, FilesUnavailable, KeyReused
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.files import file_storage, files
from djangobot.db.messages.files.file_storage import PART, NewFile
from djangobot.db.messages.files.files import MIB, NAME_LIMIT, ORPHAN_AFTER, Rules, StoredFile
from djangobot.db.messages.history import history
from djangobot.db.messages.new_message import Accepted, NewMessage

from ...conftest import MINUTE, NOW, World, on_sqlite

LATER = NOW + ORPHAN_AFTER + MINUTE
GROWTH = 32 * MIB
"""The most memory that a file of any size may take."""
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from djangobot.db import conf
from djangobot.db.messages.files import file_storage, files

def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def main(url, folder, step):
    await conf.open_database(url)
    files.configure(files.Rules(Path(folder)))
    async with files.receive("a.bin", "") as sink:
        await sink.write(bytes(3 * file_storage.PART + 1))
        if step == "the bytes are not whole":
            die()
        if step == "the bytes are on disk":
            storage = sink._storage
            if isinstance(storage, file_storage.OnDisk):
                await sink._flush()
                storage._sync()
            else:
                await storage.add(b"x")
            die()
    die()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    """The folder of the files, on a disk with room."""
    path = tmp_path / "files"
    files.configure(Rules(path))
    return path


async def store(content: bytes, name: str = "a.txt", mime: str = "text/plain") -> StoredFile:
    async with files.receive(name, mime, lambda: NOW) as sink:
        await sink.write(content)
    assert sink.file is not None
    return sink.file


def on_disk(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


async def left(folder: Path) -> tuple[int, int, int]:
    """How many rows, parts in the database, and files on disk there are."""
    rows = await current().fetch(
        "SELECT (SELECT COUNT(*) FROM file) AS files, (SELECT COUNT(*) FROM file_part) AS parts"
    )
    return rows[0]["files"], rows[0]["parts"], len(on_disk(folder))


async def a_message(world: World, *attached: StoredFile, status: str = "queued") -> int:
    """A message with these files, whose status is this one."""
    token = await world.link(await world.account(), await world.person())
    accepted = await acceptance.accept(token, NewMessage("hello", files=attached), NOW)
    (row,) = await current().execute(
        "UPDATE message SET status = $2 WHERE public_id = $1::uuid RETURNING id", accepted.id, status
    )
    number: int = row["id"]
    return number


async def test_what_was_written_is_read_at_any_place(database: str) -> None:
    """Pieces of any size come in, pieces of any size go out, across the borders of the parts."""
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    for size in (0, 1, PART - 1, PART, PART + 1, 3 * PART + 12_345):
        content = dice.randbytes(size)
        async with files.receive("a", "", lambda: NOW) as sink:
            at = 0
            while at < size:
                piece = content[at : at + dice.choice([1, 1000, 65_536, 2 * PART])]
                await sink.write(piece)
                at += len(piece)
        assert sink.file is not None
        assert sink.file.size == size
        for _ in range(10):
            offset, length = dice.randrange(size + 1), dice.choice([1, 1000, PART, 4 * PART])
            assert await files.read(sink.file.id, offset, length) == content[offset : offset + length]


async def test_bytes_are_for_our_eyes_only(database: str, folder: Path) -> None:
    """A file is 0600, in a folder that is 0700."""
    await store(b"secret")
    modes = [S_IMODE(os.stat(path).st_mode) for path in on_disk(folder)]
    if isinstance(current(), SQLiteEngine):
        assert (S_IMODE(os.stat(folder).st_mode), modes) == (0o700, [0o600])
    else:
        assert modes == []


async def test_an_upload_that_ends_early_leaves_nothing(database: str, folder: Path) -> None:
    """The client went away, or the message was refused for another reason."""

    async def upload() -> None:
        async with files.receive("a", "") as sink:
            await sink.write(bytes(2 * PART))
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await upload()
    assert await left(folder) == (0, 0, 0)


async def test_an_upload_that_is_canceled_leaves_nothing(database: str, folder: Path) -> None:
    """The service stops while bytes come in."""
    begun = asyncio.Event()

    async def upload() -> None:
        async with files.receive("a", "") as sink:
            while True:
                await sink.write(bytes(PART))
                begun.set()

    files.configure(Rules(folder, most=1 << 40))
    task = asyncio.create_task(upload())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await left(folder) == (0, 0, 0)


async def test_a_file_over_the_limit_is_refused_and_not_kept(database: str, folder: Path) -> None:
    """The sentence names the limit."""
    files.configure(Rules(folder, most=MIB))
    with pytest.raises(FilesTooLarge, match="larger than 1 MiB"):
        await store(bytes(MIB + 1))
    assert await left(folder) == (0, 0, 0)
    with pytest.raises(FilesTooLarge):
        files.check_room(MIB + 1)


@on_sqlite
async def test_a_disk_below_its_floor_takes_no_file(database: str, folder: Path) -> None:
    """Other services need room, too."""
    disk_floor.configure(1 << 60)
    with pytest.raises(FileDiskFull):
        await store(b"a")
    assert await left(folder) == (0, 0, 0)


@on_sqlite
async def test_a_disk_that_gets_full_keeps_nothing(database: str, folder: Path) -> None:
    """The system refuses a write in the middle of a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PART + 1000, before[1]))
    try:
        with pytest.raises(FileDiskFull):
            await store(bytes(3 * PART))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert await left(folder) == (0, 0, 0)
    assert await files.read((await store(b"room again")).id, 0, 100) == b"room again"


@pytest.mark.parametrize("step", ["the bytes are not whole", "the bytes are on disk", "the row is there"])
async def test_a_kill_leaves_nothing_after_a_sweep(database: str, folder: Path, step: str) -> None:
    """SIGKILL at each step before the message names the file."""
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED, database, str(folder), step], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert await left(folder) != (0, 0, 0)
    await files.sweep(utc_now() + ORPHAN_AFTER + MINUTE)
    assert await left(folder) == (0, 0, 0)


async def test_a_sweep_leaves_what_is_under_way(database: str, folder: Path) -> None:
    """An upload that goes on is no orphan, and neither is a file whose message is about to be accepted."""
    async with files.receive("a", "", lambda: NOW) as sink:
        await sink.write(bytes(2 * PART))
        await files.sweep(NOW + MINUTE)
        await sink.write(b"the end")
    assert sink.file is not None
    await files.sweep(NOW + MINUTE)
    assert await files.read(sink.file.id, 2 * PART, 100) == b"the end"


@on_sqlite
async def test_a_sweep_leaves_what_begins_while_it_looks(
    database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first byte of a file comes when the sweep has begun, and before it reads the folder."""
    names, begun = file_storage.names, file_storage.OnDisk(folder, NewFile("a", ""), lambda: NOW)

    def with_a_new_one(folder: Path) -> list[str]:
        begun._add(b"x")
        return names(folder)

    monkeypatch.setattr(file_storage, "names", with_a_new_one)
    await files.sweep(NOW)
    stored = await begun.complete(1, "a digest")
    assert await files.read(stored, 0, 1) == b"x"


async def accepted_with(token: str, *attached: StoredFile, **more: Any) -> Accepted:
    return await acceptance.accept(token, NewMessage("", files=attached, **more), NOW)


async def test_a_message_shows_its_files(world: World) -> None:
    """Lists name them; the text may be empty."""
    token = await world.link(await world.account(), await world.person())
    stored = [await store(b"x"), await store(b"yy", "b.png", "image/png")]
    for kind, as_documents in (("Text", False), ("File", False), ("Document", True)):
        accepted = await accepted_with(token, *stored, type=kind)
        entry = await messages.of_token(accepted.id, token, NOW)
        assert entry.content.files == tuple(file.info() for file in stored)
        assert (entry.text, entry.content.as_documents) == ("", as_documents)
        stored = [await store(b"x"), await store(b"yy", "b.png", "image/png")]


async def test_a_message_whose_file_was_swept_is_not_accepted(world: World) -> None:
    """The row and its files are one commit: the sender is told to send it again."""
    token = await world.link(await world.account(), await world.person())
    kept, swept = await store(b"kept"), await store(b"swept")
    await files.delete([swept.id])
    with pytest.raises(FilesUnavailable):
        await accepted_with(token, kept, swept)
    assert (await current().fetch("SELECT COUNT(*) AS n FROM message WHERE kind = 'message'"))[0]["n"] == 0
    await accepted_with(token, kept)


async def test_a_repeat_is_the_same_message_when_its_files_are(world: World) -> None:
    """The same names, types and bytes, which were stored anew; other bytes of the same size are not."""
    token = await world.link(await world.account(), await world.person())
    first = await accepted_with(token, await store(b"one"), key="k")
    again = await accepted_with(token, await store(b"one"), key="k")
    assert (again.repeated, again.id) == (True, first.id)
    for other in (await store(b"two"), await store(b"one", "b.txt"), await store(b"one", mime="a/b")):
        with pytest.raises(KeyReused):
            await accepted_with(token, other, key="k")
    with pytest.raises(KeyReused):
        await acceptance.accept(token, NewMessage("x", key="k"), NOW)
    with pytest.raises(KeyReused):
        await accepted_with(token, await store(b"one"), await store(b"one"), key="k")


async def test_files_stand_in_their_order_in_one_message(world: World) -> None:
    """And none of them can become another message's."""
    stored = [await store(b"x" * number, f"{number}.txt") for number in (3, 1, 2)]
    message = await a_message(world, *stored)
    assert await files.of_message(message) == stored
    with pytest.raises(FilesUnavailable):
        await files.attach(message, stored[:1])


@pytest.mark.parametrize("status", ["sent", "expired", "canceled", "replaced"])
async def test_bytes_go_when_their_message_is_settled(world: World, folder: Path, status: str) -> None:
    """Name and size stay for the history."""
    file = await store(b"x" * 1000)
    message = await a_message(world, file, status=status)
    assert await files.sweep(NOW) == 1
    assert await files.of_message(message) == [file]
    assert (await left(folder))[1:] == (0, 0)
    with pytest.raises(FileGone):
        await files.read(file.id, 0, 1)
    assert await files.sweep(NOW) == 0


@pytest.mark.parametrize("status", ["failed", "uncertain"])
async def test_bytes_of_what_may_still_be_sent_are_kept_for_a_week(world: World, status: str) -> None:
    """An admin may have a failed message sent again."""
    file = await store(b"x")
    await a_message(world, file, status=status)
    await files.sweep(NOW + files.KEPT - MINUTE)
    assert await files.read(file.id, 0, 1) == b"x"
    await files.sweep(NOW + files.KEPT + MINUTE)
    with pytest.raises(FileGone):
        await files.read(file.id, 0, 1)


async def test_bytes_of_a_message_that_waits_are_kept(world: World) -> None:
    """However long: a scheduled message waits for up to a year."""
    file = await store(b"x")
    await a_message(world, file)
    await files.sweep(NOW + timedelta(days=366))
    assert await files.read(file.id, 0, 1) == b"x"


async def test_files_go_with_their_message(world: World, folder: Path) -> None:
    """Whoever is erased is erased with all that was sent to them."""
    file = await store(b"x")
    message = await a_message(world, file)
    await current().execute("DELETE FROM message WHERE id = $1", message)
    await files.sweep(NOW)
    assert await left(folder) == (0, 0, 0)


async def test_a_deleted_file_is_gone(database: str, folder: Path) -> None:
    """With its row and its bytes."""
    file = await store(bytes(3 * PART))
    await files.delete([file.id])
    assert await left(folder) == (0, 0, 0)
    with pytest.raises(FileGone):
        await files.read(file.id, 0, 1)


@on_sqlite
async def test_a_file_that_somebody_removed_is_gone_and_no_fault(database: str, folder: Path) -> None:
    """The data folder was restored without it."""
    file = await store(b"x")
    for path in on_disk(folder):
        os.unlink(path)
    with pytest.raises(FileGone):
        await files.read(file.id, 0, 1)


async def test_a_large_file_takes_little_memory(database: str, folder: Path) -> None:
    """200 MB in and out: the process grows by less than 32 MB."""
    files.configure(Rules(folder, most=1 << 40))
    process = psutil.Process()
    chunk = os.urandom(65_536)
    await store(chunk * 100)  # what is loaded once
    before = most = process.memory_info().rss
    async with files.receive("a", "", lambda: NOW) as sink:
        for number in range(200 * MIB // len(chunk)):
            await sink.write(chunk)
            if number % 100 == 0:
                most = max(most, process.memory_info().rss)
    assert sink.file is not None
    for offset in range(0, sink.file.size, PART):
        await files.read(sink.file.id, offset, PART)
    assert max(most, process.memory_info().rss) - before < GROWTH


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("отчёт за май.pdf", "отчёт за май.pdf"),
        ("и\u0306.txt", "й.txt"),
        ("/etc/passwd", "passwd"),
        ("../../secret.txt", "secret.txt"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("..", "file.txt"),
        ("", "file.txt"),
        ("dir/", "file.txt"),
        ("\u200b\u2060", "file.txt"),
        ("a\x00b.txt", "ab.txt"),
        ("a\r\nb.txt", "ab.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        (".env", ".env"),
        ("x" * 1000 + ".tar", "x" * (NAME_LIMIT - 4) + ".tar"),
        ("\ud800.txt", ".txt"),
    ],
)
def test_a_name_is_made_safe(given: str, name: str) -> None:
    """One line, no folder, one direction; never empty, never longer than its column."""
    assert files.file_name(given, "text/plain") == name


@pytest.mark.parametrize(
    ("given", "mime"),
    [
        ("image/png", "image/png"),
        ("Text/Plain; charset=utf-8", "text/plain"),
        ("", files.UNKNOWN_TYPE),
        ("nonsense", files.UNKNOWN_TYPE),
        ("a/b\x00", files.UNKNOWN_TYPE),
        ("a/" + "b" * 1000, files.UNKNOWN_TYPE),
    ],
)
async def test_a_type_is_a_type_or_unknown(database: str, given: str, mime: str) -> None:
    """What a client says of a file is a label, and no more."""
    assert (await store(b"x", "a", given)).mime == mime


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("a.png", "image/png"),
        ("A.MP4", "video/mp4"),
        ("a.png.exe.none", files.UNKNOWN_TYPE),
        (".png", files.UNKNOWN_TYPE),
    ],
)
async def test_a_type_that_is_not_told_is_that_of_the_name(database: str, name: str, mime: str) -> None:
    """`curl -F` tells the types of few names; Telegram plays a video only when it is called one."""
    assert (await store(b"x", name, files.UNKNOWN_TYPE)).mime == mime


async def test_bytes_go_after_the_delivery_as_any_other(world: World) -> None:
    """The outbox settles the message; the next sweep removes its bytes."""
    file = await store(b"x")
    await a_message(world, file)
    await world.deliver()
    assert await files.sweep(NOW) == 1


async def test_the_files_of_a_token_and_of_a_person_are_counted(world: World) -> None:
    """Within a time, and also when their bytes are gone."""
    number = await a_message(world, await store(b"a"), await store(b"b"), status="sent")
    await acceptance.accept(
        await world.link(await world.account("other"), await world.person()), NewMessage("x"), NOW
    )
    (row,) = await current().fetch("SELECT token, chat FROM message WHERE id = $1", number)
    await files.sweep(LATER)
    for since, count in ((NOW - MINUTE, 2), (NOW, 0)):
        assert await history.files_of_token(row["token"], since) == count
    for days, count in ((history.Days(NOW, LATER), 2), (history.Days(LATER, LATER), 0)):
        assert await history.files_of_chat(row["chat"], days) == count
