"""A backup's file: where it may be written, how it gets there, and whether it is one of this version.

Which versions are taken is decided in db/engine/checks.py, which the start asks, too. `restore` of sqlite.py
or postgres.py checks whether a file is whole.
"""

import os
from collections.abc import Collection
from pathlib import Path

import msgspec

from djangobot.db.engine import checks

TABLES = ("account", "chat", "bot_token", "message")
"""The tables whose rows are counted."""
RAN = "SELECT name FROM migration WHERE app_name = 'djangobot'"


class BackupRefused(Exception):
    """A backup can't be taken or restored. The text says why, and what to do."""


class BackupTooLarge(Exception):
    """A backup is larger than what may be sent."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Backup(msgspec.Struct, frozen=True):
    """A file, its size in bytes, and the number of rows of each table in it."""

    file: str
    size: int
    rows: dict[str, int]


def target(file: Path, force: bool, database: Path | None) -> Path:
    """The path a backup is written to: `file` with its symbolic links resolved. Raises BackupRefused for a
    file that exists, unless with `force`; for one that is not a regular file; and for the database itself."""
    if file.exists():
        refuse_irregular(file)
    if os.path.lexists(file) and not force:
        raise BackupRefused(
            f"{file} is there already: choose another name, or --force to put it in its place"
        )
    found = Path(os.path.realpath(file))
    if database is not None and found.exists():
        real = os.path.realpath(database)
        ours = [Path(f"{real}{suffix}") for suffix in ("", "-wal", "-shm", ".lock", ".in-use")]
        if any(one.exists() and one.samefile(found) for one in ours):
            raise BackupRefused(f"{file} is the database itself")
    return found


def refuse_irregular(file: Path) -> None:
    """Raises BackupRefused for a device, a pipe or a socket. A backup neither replaces one nor waits for
    one."""
    if not file.is_file():
        raise BackupRefused(f"{file} is no regular file")


def refuse_unknown(file: Path | str, ran: Collection[str], known: Collection[str]) -> None:
    """Raises BackupRefused when the tables in it are of another version. `ran`: the migrations that ran on
    it. `known`: those of this version."""
    try:
        checks.refuse_unknown(ran, known, TABLES, what=str(file))
    except checks.DatabaseRefused as exc:
        raise BackupRefused(str(exc)) from exc


def folder_of(file: Path) -> Path:
    """The folder of the file. Raises BackupRefused when there is none."""
    folder = file.absolute().parent
    if not folder.is_dir():
        raise BackupRefused(f"there is no folder {folder}")
    return folder


def into_place(packed: Path, file: Path, *, force: bool) -> int:
    """Renames the finished file once it is on disk, and returns its size in bytes. Raises BackupRefused when
    another file has that name by now, unless with `force`."""
    packed.chmod(0o600)
    flush(packed)
    size = packed.stat().st_size
    try:
        if not force:
            os.link(packed, file)
    except FileExistsError as exc:
        raise BackupRefused(f"{file} is there already") from exc
    except OSError:  # a file system without links
        force = True
    if force:
        packed.replace(file)
    flush(file.parent)
    return size


def flush(path: Path) -> None:
    """Writes the file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
