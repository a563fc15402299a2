"""Checks a database before it is used. One that can't be used is refused with a sentence that names the
fix."""

import asyncio
import secrets
from collections.abc import Collection

import asyncpg

from djangobot.db.engine import current
from djangobot.db.engine.postgres import PostgresEngine

NOTIFICATION_PATIENCE = 3.0
"""Seconds that a notification to ourselves may take through a pooler."""
STATE = """
SELECT pg_is_in_recovery() AS replica, current_setting('transaction_read_only') = 'on' AS read_only,
       quote_ident(current_user) AS role, quote_ident(current_schema()) AS schema,
       has_schema_privilege(current_schema(), 'CREATE') AS may_create
"""


TABLES_THERE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgres": "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema()",
}
FRESH = "begin with an empty database (another DJANGOBOT_DATA or DATABASE_URL)"


class DatabaseRefused(Exception):
    """This database can't be used as it is: why, and what to do."""


def refuse_unknown(
    ran: Collection[str], known: Collection[str], tables: Collection[str] = (), *, what: str = "The database"
) -> None:
    """Raises DatabaseRefused when migrations ran that this version does not have, or when none ran and there
    are `tables` of ours. `what` is the database or a backup's file."""
    unknown = set(ran) - set(known)
    if unknown and max(unknown) > max(known):
        raise DatabaseRefused(
            f"{what} comes from a newer version of djangobot ({max(unknown)}). Run that version, "
            "or put back a backup that was taken before it"
        )
    if unknown:
        raise DatabaseRefused(
            f"{what} is from before the first release of djangobot ({max(unknown)}), and its tables can't be "
            f"converted: {FRESH}, or run the version that made it"
        )
    if tables and not ran:
        raise DatabaseRefused(
            f"{what} has tables that this version did not make ({', '.join(sorted(tables)[:3])}): {FRESH}"
        )


async def tables_there(names: Collection[str]) -> set[str]:
    """Those of these tables that the database has. On PostgreSQL, in the schema we would use."""
    rows = await current().fetch(TABLES_THERE[current().engine_type])
    return set(names) & {row["name"] for row in rows}


async def refuse_read_only(*, creating: bool) -> None:
    """Raises DatabaseRefused for a PostgreSQL database that is read-only, or in which we may not create the
    tables that are missing."""
    engine = current()
    if not isinstance(engine, PostgresEngine):
        return
    state = (await engine.fetch(STATE))[0]
    if state["replica"]:
        raise DatabaseRefused(
            "The database is a replica, which takes no writes: DATABASE_URL must name the primary"
        )
    if state["read_only"]:
        raise DatabaseRefused(
            "The database takes no writes: default_transaction_read_only is on "
            f"(ALTER ROLE {state['role']} SET default_transaction_read_only = off, or where else it was set)"
        )
    if creating and state["schema"] is None:
        raise DatabaseRefused(
            "The database has no schema for our tables: its search_path names none that is there"
        )
    if creating and not state["may_create"]:
        raise DatabaseRefused(
            f"The role {state['role']} may make no tables there. As the database's owner: "
            f"GRANT CREATE ON SCHEMA {state['schema']} TO {state['role']}"
        )


async def refuse_pooler(engine: PostgresEngine) -> None:
    """Raises DatabaseRefused for a pooler that gives each transaction another connection. Behind one, what
    belongs to a session (LISTEN, advisory locks, prepared statements) is lost."""
    # Without named statements, which such a pooler mixes up.
    connection = await asyncpg.connect(**engine.config, statement_cache_size=0)
    try:
        if not await _is_direct(connection) and not await _is_notified(engine, connection):
            raise DatabaseRefused(
                "Between us and the database is a pooler (PgBouncer) in transaction or statement mode, "
                "behind which LISTEN and advisory locks do not work, or with too few connections: set its "
                "pool_mode = session and its default_pool_size (docs/several-processes.md), or give "
                "DATABASE_URL the server's own address"
            )
    finally:
        await connection.close()


async def _is_direct(connection: asyncpg.Connection) -> bool:
    """Whether we are connected to the server itself. A pooler gives out its own process ids."""
    try:
        async with connection.transaction():
            pid = await connection.fetchval("SELECT pg_backend_pid()")
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        if "pooling mode" not in str(exc):
            raise
        return False  # statement mode allows no transactions and ends the connection
    return bool(pid == connection.get_server_pid())


async def _is_notified(engine: PostgresEngine, connection: asyncpg.Connection) -> bool:
    """Whether the connection receives a notification from another connection after LISTEN."""
    channel, received = f"djangobot_{secrets.token_hex(8)}", asyncio.Event()

    def on_notification(*_: object) -> None:
        received.set()

    try:
        async with asyncio.timeout(NOTIFICATION_PATIENCE):
            await connection.add_listener(channel, on_notification)
            other = await asyncpg.connect(**engine.config, statement_cache_size=0)
            try:
                await other.execute(f"NOTIFY {channel}")
                await received.wait()
            finally:
                other.terminate()
            await connection.remove_listener(channel, on_notification)
    except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True
