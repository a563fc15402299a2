"""From the drivers' errors to ours: which of them mean that the database can't be used."""

import configparser
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import asyncpg

from djangobot.db.errors import DatabaseUnavailable, DiskFull

UNAVAILABLE_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}
"""Primary result codes which mean that the database can't be used, not that our query is wrong
(sqlite.org/rescode.html)."""
UNAVAILABLE_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InvalidAuthorizationSpecificationError,
    asyncpg.exceptions.InvalidCatalogNameError,
    asyncpg.exceptions.InternalClientError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
)
CONNECT_ERRORS = (
    *UNAVAILABLE_ERRORS,
    asyncpg.PostgresError,
    ValueError,
    KeyError,
    RuntimeError,
    configparser.Error,
)
"""Errors that the driver raises while it connects, because of PGPORT and similar variables, a service file,
or a user without a name; and errors from the server that would mean a wrong query at any other time."""


def is_unique_violation(exc: BaseException) -> bool:
    """Whether the database refused a row because an equal one exists."""
    if isinstance(exc, sqlite3.IntegrityError):
        return exc.sqlite_errorcode in (
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        )
    return isinstance(exc, asyncpg.UniqueViolationError)


def is_reference_violation(exc: BaseException) -> bool:
    """Whether the database refused a row because a row it refers to is gone."""
    if isinstance(exc, sqlite3.IntegrityError):
        return exc.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return isinstance(exc, asyncpg.ForeignKeyViolationError)


class _AsOurErrors:
    """A context manager without state, because each statement enters it."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, exc: BaseException | None, trace: object) -> None:
        if exc is not None and (ours := _ours(exc)) is not None:
            raise ours from exc


_AS_OUR_ERRORS = _AsOurErrors()


def as_our_errors() -> AbstractContextManager[None]:
    """The one place that turns errors of an unusable database into ours."""
    return _AS_OUR_ERRORS


def _ours(exc: BaseException) -> DatabaseUnavailable | None:
    if isinstance(exc, sqlite3.Error):
        code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return DiskFull()
        return DatabaseUnavailable() if code in UNAVAILABLE_CODES else None
    if isinstance(exc, asyncpg.DiskFullError):
        return DiskFull()
    return DatabaseUnavailable() if isinstance(exc, UNAVAILABLE_ERRORS) else None


@contextmanager
def connecting() -> Iterator[None]:
    try:
        yield
    except CONNECT_ERRORS as exc:
        raise DatabaseUnavailable from exc
