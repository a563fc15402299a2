"""The transaction that a task is in. Queries inside it join it, Piccolo's too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar, Token
from typing import Any

from djangobot.db.engine.errors import as_our_errors


class OpenTransaction:
    """Replaces Piccolo's context variable. It returns None for a transaction that has ended.

    A task that is started inside a transaction has a copy of the variable, and may outlive the transaction.
    """

    def __init__(self, name: str) -> None:
        # The transaction is in a list of one, which every copy of the context shares. The list is emptied at
        # the end.
        self._variable: ContextVar[list[Any]] = ContextVar(name)

    def get(self) -> Any:
        """The transaction that this task is in, or None."""
        shared = self._variable.get([])
        return shared[0] if shared else None

    def set(self, transaction: Any) -> "Token[list[Any]]":
        """Works as a context variable's `set`."""
        return self._variable.set([transaction])

    def reset(self, token: "Token[list[Any]]") -> None:
        """Works as a context variable's `reset`. The transaction has ended for every task."""
        self.end()
        self._variable.reset(token)

    def end(self) -> None:
        """Ends the transaction: no query joins it any more."""
        self._variable.get([]).clear()


@asynccontextmanager
async def whole(engine: Any, transaction: Any) -> AsyncIterator[Any]:
    """Piccolo leaves its context variable set when a COMMIT fails. The task's next query would reuse a closed
    transaction."""
    before = engine.current_transaction.get()
    try:
        with as_our_errors():
            async with transaction:
                yield transaction
    finally:
        if engine.current_transaction.get() is not before:
            engine.current_transaction.end()
