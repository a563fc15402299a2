"""The service's own state: a few named values that outlive the process and hold for all processes."""

from datetime import datetime
from typing import Any

import msgspec
from piccolo.columns import Text, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db.engine import current


class ServiceState(Table, tablename="service_state"):
    """`value` is JSON; `changed` when it was last written."""

    name = Varchar(length=64, primary_key=True)
    value = Text()
    changed = Timestamptz()


PUT = """
INSERT INTO service_state (name, value, changed) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed
"""


async def get(name: str) -> Any:
    """The value put last under this name; None when there is none."""
    rows = await current().fetch("SELECT value FROM service_state WHERE name = $1", name)
    return msgspec.json.decode(rows[0]["value"]) if rows else None


async def put(name: str, value: Any, now: datetime) -> None:
    """Anything JSON can say; None for nothing."""
    await current().execute(PUT, name, msgspec.json.encode(value).decode(), now)
