"""What survives a restart: one SQLite table of documents, written once per iteration of the event loop.

Everything is in memory, too; the file is read only at the start. The changes of one iteration are committed
together, before its answers are written to the sockets. An answered message therefore survives a killed
process. Nothing is fsynced: a power cut may lose the last moments.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_encode = msgspec.msgpack.Encoder().encode


class StateUnusable(Exception):
    """The folder can't be used: why, and what to do."""


class StateInUse(StateUnusable):
    """Another sandbox runs on this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another sandbox is running on {folder}: choose another folder with --state")


class State:
    """Documents by kind and key, in `folder`/state.sqlite. Files that were sent are beside it."""

    def __init__(self, folder: Path) -> None:
        """Raises StateUnusable."""
        self.folder = folder
        self.files = folder / "files"
        self._changed: dict[tuple[str, str], Any] = {}
        self._held = contextlib.ExitStack()
        with self.reading():
            self._lock()
            self._database = sqlite3.connect(folder / "state.sqlite", isolation_level=None)
            self._held.callback(self._database.close)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=OFF")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS document "
                "(kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"
            )

    def _lock(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.files.mkdir(mode=0o700, exist_ok=True)
        # Chats and auth keys: for the owner alone, and so are the files that SQLite makes beside it.
        with contextlib.suppress(IsADirectoryError):  # SQLite says it better
            os.close(os.open(self.folder / "state.sqlite", os.O_CREAT, 0o600))
        lock = self._held.enter_context((self.folder / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise StateInUse(self.folder) from exc

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Within, what can't be read is StateUnusable, and the folder is let go."""
        database = self.folder / "state.sqlite"
        try:
            yield
        except StateUnusable:
            self._held.close()
            raise
        except (OSError, sqlite3.OperationalError) as exc:
            self._held.close()
            where, why = (self.folder, exc.strerror or exc) if isinstance(exc, OSError) else (database, exc)
            raise StateUnusable(f"{where} can't be used ({why}): choose another folder with --state") from exc
        except (sqlite3.Error, msgspec.MsgspecError, ValueError, LookupError, TypeError) as exc:
            self._held.close()
            raise StateUnusable(
                f"{database} is damaged ({exc}): delete it, or choose another folder with --state"
            ) from exc

    def put(self, kind: str, key: object, value: object) -> None:
        """Stores a document; it is encoded as it is at the next commit."""
        self._changed[kind, str(key)] = value

    def drop(self, kind: str, key: object) -> None:
        """Removes a document."""
        self._changed[kind, str(key)] = None

    def all(self, kind: str, shape: type[T]) -> Iterator[tuple[str, T]]:
        """Every stored document of a kind, one after another."""
        decoder = msgspec.msgpack.Decoder(shape)
        rows = self._database.execute("SELECT key, body FROM document WHERE kind = ?", (kind,))
        for key, body in rows:
            yield key, decoder.decode(body)

    def commit(self) -> None:
        """Writes what has changed since the last commit, all or nothing."""
        if not self._changed:
            return
        changed = self._changed
        written = [(kind, key, _encode(value)) for (kind, key), value in changed.items() if value is not None]
        dropped = [name for name, value in changed.items() if value is None]
        execute = self._database.execute
        execute("BEGIN")
        try:
            if written:
                self._database.executemany("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", written)
            if dropped:
                self._database.executemany("DELETE FROM document WHERE kind = ? AND key = ?", dropped)
            execute("COMMIT")
        except sqlite3.Error:
            # The changes stay: the next commit tries again. No client is answered before that.
            if self._database.in_transaction:
                execute("ROLLBACK")
            raise
        self._changed = {}

    def close(self) -> None:
        """Writes what is left and closes the file."""
        self.commit()
        self._held.close()
