"""SQLite and PostgreSQL behind one set of calls: what both offer, and which of them is in use.

Both accept the same SQL for queries that must be fast or atomic; sql.py says what it may contain.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol, TypeVar

import piccolo.engine.base

from djangobot.db.errors import DatabaseUnavailable

# Piccolo's engines ask the server for its version in their constructor, in an event loop of their own, so an
# import would connect. Ours connect in `open`.
piccolo.engine.base.run_sync = lambda coroutine: coroutine.close()  # type: ignore[attr-defined, assignment, return-value]

T = TypeVar("T")
Row = dict[str, Any]
Statement = tuple[str, Sequence[Sequence[Any]]]
"""SQL, and the rows of arguments that it runs with."""
Ask = Callable[..., list[Row]]
"""Runs SQL with its arguments and returns the rows."""

Then = Callable[[list[Row]], None]
"""Called with a new row after its commit, if there is one."""


class Insert(NamedTuple):
    """An INSERT that may leave a row out."""

    one: str
    """The SQL for one row, whose values are its parameters."""
    many: str
    """The SQL for many rows at once, as `$rows1`. It returns the first value of each new row as `key`. It may
    leave out more rows than `one`, such as those for which it would have to wait."""


class Engine(Protocol):
    """What both engines offer."""

    engine_type: str

    async def open(self, create: bool = True) -> None:
        """Connects. A missing file is created only with `create`. Raises DatabaseUnavailable."""

    async def close(self) -> None:
        """Lets what is under way end, and disconnects."""

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """Reads rows."""
        ...

    async def fetch_as(self, shape: type[T], sql: str, *args: Any) -> list[T]:
        """Reads many rows as values of a struct. Its fields have the names of columns."""
        ...

    async def execute(self, sql: str, *args: Any) -> list[Row]:
        """Runs one statement that writes, and returns its RETURNING rows. It is committed and on disk when
        this returns."""
        ...

    async def insert(self, statement: Insert, row: Sequence[object], then: Then) -> list[Row]:
        """Inserts a row, in one commit with others that arrive at the same time. Returns the new row, or
        nothing. Calls `then` even if the caller has been cancelled since."""
        ...

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        """Runs several statements, each for many rows, in one transaction."""

    def each(self, numbers: Sequence[int]) -> object:
        """The argument for `$each`: many numbers at once."""

    def write(self) -> AbstractAsyncContextManager[Any]:
        """`async with`: a transaction for writing. Queries inside it join it, Piccolo's too."""
        ...


_in_use: Engine | None = None
_dedicated: ContextVar[Engine | None] = ContextVar("dedicated_connection", default=None)


def current() -> Engine:
    """The database in use. Raises DatabaseUnavailable when `conf.use` was not called."""
    in_use = _dedicated.get() or _in_use
    if in_use is None:
        raise DatabaseUnavailable from RuntimeError("no database has been opened")
    return in_use


def use_connection(connection: Engine) -> None:
    """Makes this task, and those it starts, use only this connection."""
    _dedicated.set(connection)


def make_current(engine: Engine) -> None:
    """Makes this engine the one that all queries use."""
    global _in_use
    _in_use = engine
