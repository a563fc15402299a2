"""From the drivers' errors to ours: which of them mean that the database can't be used."""

import configparser
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def as_our_errors() -> Iterator[None]:
    """The one place that turns errors of an unusable database into ours."""
    try:
        yield
    except sqlite3.Error as exc:
        if getattr(exc, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            raise DiskFull from exc
        if getattr(exc, "sqlite_errorcode", 0) & 0xFF in UNAVAILABLE_CODES:
            raise DatabaseUnavailable from exc
        raise
    except asyncpg.DiskFullError as exc:
        raise DiskFull from exc
    except UNAVAILABLE_ERRORS as exc:
        raise DatabaseUnavailable from exc


@contextmanager
def connecting() -> Iterator[None]:
    try:
        yield
    except CONNECT_ERRORS as exc:
        raise DatabaseUnavailable from exc
