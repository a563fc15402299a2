"""Files on disk: parts, files made of them, and what a start clears away."""

import os
import time
from pathlib import Path

from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.world.files import PARTS_LIFETIME, Files
from djangobot.bot.sandbox.world.records import File


def stored(files: Files, number: int, parts: list[bytes]) -> File:
    """A file made of these parts."""
    for place, part in enumerate(parts):
        files.save_part(1, number, place, part)
    files.join(1, number, len(parts), number)
    size = sum(map(len, parts))
    file = File(id=number, name="x", mime="x/y", size=size, part_size=len(parts[0]), kind="document", date=0)
    files.add(file)
    return file


def test_a_file_is_read_across_its_parts(tmp_path: Path) -> None:
    """At any offset, to its end and not beyond, whole and in pieces."""
    state = State(tmp_path)
    files = Files(state)
    file = stored(files, 7, [b"abcd", b"efgh", b"ij"])
    whole = b"abcdefghij"
    for offset in range(12):
        for limit in range(12):
            assert files.read(file, offset, limit) == whole[offset : offset + limit]
    assert list(files.pieces(file)) == [b"abcd", b"efgh", b"ij"]
    state.close()


def test_forgotten_parts_leave_stored_files_alone(tmp_path: Path) -> None:
    """Of one owner only; one number of parts, or all."""
    state = State(tmp_path)
    files = Files(state)
    file = stored(files, 7, [b"ab", b"cd"])
    files.save_part(2, 7, 0, b"other's")
    files.forget_parts(1, 0)
    assert (files.part_size(1, 7, 0), files.part_size(1, 7, 1)) == (None, 2)
    files.forget_parts(1)
    assert (files.part_size(1, 7, 1), files.part_size(2, 7, 0)) == (None, 7)
    assert files.read(file, 0, 9) == b"abcd"
    state.close()


def test_a_start_clears_old_parts_and_files_without_a_description(tmp_path: Path) -> None:
    """What a killed process has left; all else is there again."""
    state = State(tmp_path)
    files = Files(state)
    kept = stored(files, 7, [b"kept"])
    files.save_part(1, 8, 0, b"young")
    files.save_part(1, 9, 0, b"old")
    files.join(1, 9, 1, 9)
    old = time.time() - PARTS_LIFETIME - 60
    os.utime(tmp_path / "files" / "uploads" / "1-9", (old, old))
    state.close()
    state = State(tmp_path)
    files = Files(state)
    again = files.get(7)
    assert again == kept
    assert files.read(kept, 0, 9) == b"kept"
    assert (files.part_size(1, 8, 0), files.part_size(1, 9, 0)) == (5, None)
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == ["7", "uploads"]
    state.close()
