"""Files on disk: the parts that clients upload, and the files made of them.

A part is a file of its own, in `uploads/<owner>-<file id>/<number>`. A stored file is a folder `<id>/` with
hard links to its parts. Making one therefore copies nothing, holds nothing in memory, and a part that is sent
again does not change it. All of it can be read by its owner alone.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.world.records import File

# Seconds after which a start forgets parts. Telegram keeps them for minutes to hours; it says no number.
PARTS_LIFETIME = 86_400


class Files:
    """The stored files, and the parts of those that are still on their way."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._folder = state.files
        self._uploads = state.files / "uploads"
        self._stored = {file.id: file for _, file in state.all("file", File)}
        self._uploads.mkdir(mode=0o700, exist_ok=True)
        self._sweep()

    def get(self, number: int) -> File | None:
        """The file with this id."""
        return self._stored.get(number)

    def add(self, file: File) -> None:
        """Stores a file's description; its parts are there already."""
        self._stored[file.id] = file
        self._state.put("file", file.id, file)

    def read(self, file: File, offset: int, limit: int) -> bytes:
        """A piece of a file."""
        pieces = []
        while limit > 0 and offset < file.size:
            number, skip = divmod(offset, file.part_size)
            with (self._folder / str(file.id) / str(number)).open("rb") as part:
                part.seek(skip)
                piece = part.read(limit)
            pieces.append(piece)
            offset += len(piece)
            limit -= len(piece)
        return b"".join(pieces)

    def pieces(self, file: File) -> Iterator[bytes]:
        """The whole file, part by part."""
        for offset in range(0, file.size, file.part_size):
            yield self.read(file, offset, file.part_size)

    # ---- parts

    def save_part(self, owner: int, upload: int, number: int, data: bytes) -> None:
        """Keeps a part, whole or not at all."""
        folder = self._upload(owner, upload)
        folder.mkdir(mode=0o700, exist_ok=True)
        unfinished = folder / f"{number}-new"
        with open(unfinished, "wb", opener=_private) as part:
            part.write(data)
        unfinished.replace(folder / str(number))

    def part_size(self, owner: int, upload: int, number: int) -> int | None:
        """A part's size; None when it was not uploaded, or is forgotten."""
        try:
            return (self._upload(owner, upload) / str(number)).stat().st_size
        except FileNotFoundError:
            return None

    def part(self, owner: int, upload: int, number: int) -> bytes:
        """A part's bytes."""
        return (self._upload(owner, upload) / str(number)).read_bytes()

    def join(self, owner: int, upload: int, count: int, number: int) -> None:
        """Makes the file `number` of an upload's parts. They stay, so that the call may be repeated."""
        target = self._folder / str(number)
        target.mkdir(mode=0o700)
        for part in range(count):
            os.link(self._upload(owner, upload) / str(part), target / str(part))

    def discard(self, number: int) -> None:
        """Removes a file that was refused before it had a description."""
        shutil.rmtree(self._folder / str(number))

    def forget_parts(self, owner: int, part: int | None = None) -> None:
        """Forgets an owner's uploaded parts, or those of one number. Stored files stay."""
        for upload in self._uploads.glob(f"{owner}-*"):
            if part is None:
                shutil.rmtree(upload)
            else:
                (upload / str(part)).unlink(missing_ok=True)

    def _upload(self, owner: int, upload: int) -> Path:
        return self._uploads / f"{owner}-{upload & (1 << 64) - 1:x}"

    def _sweep(self) -> None:
        """Removes old parts, and files that a killed process has left without a description."""
        for folder in self._uploads.iterdir():
            if folder.stat().st_mtime < time.time() - PARTS_LIFETIME:
                shutil.rmtree(folder)
        for folder in self._folder.iterdir():
            with contextlib.suppress(ValueError):
                if int(folder.name) not in self._stored:
                    shutil.rmtree(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
