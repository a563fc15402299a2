"""The disk floor: how much disk must be free. With less, nothing is accepted; what is left is for delivery
and the chat, which go on. The disk of a PostgreSQL server is not known here."""

import shutil
import time
from pathlib import Path

from djangobot.db.engine import current
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import DiskNearlyFull

FLOOR = 128 << 20
"""Bytes, by default. 0 means no floor."""
LOOK_AGAIN = 1.0
"""Seconds between two checks of the disk."""
_floor = FLOOR
_looked: tuple[object, float, int] = (None, 0.0, 0)
"""At which database's disk, when, on the monotonic clock, and how many bytes were free."""


def configure(floor: int = FLOOR) -> None:
    """Sets how many bytes must be free. The next check measures anew."""
    global _floor, _looked
    _floor, _looked = floor, (None, 0.0, 0)


def check() -> None:
    """Raises DiskNearlyFull when a message can't be accepted."""
    global _looked
    engine = current()
    if not _floor or not isinstance(engine, SQLiteEngine):
        return
    database, looked, free = _looked
    if database is not engine or time.monotonic() - looked > LOOK_AGAIN:
        free = free_in(Path(engine.path).parent)
        _looked = (engine, time.monotonic(), free)
    if free < _floor:
        raise DiskNearlyFull


def has_room(folder: Path, size: int) -> bool:
    """Whether the floor stays free on the disk of this folder when so many bytes more are on it."""
    return free_in(folder) - size >= _floor


def free_in(folder: Path) -> int:
    """Bytes that are free on the disk of this folder, which may be still to be made."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
