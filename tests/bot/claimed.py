"""A message in flight, for tests that have no database."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from djangobot.db.delivery.outcomes import Claimed

NOW = datetime(2026, 11, 26, 5, 0, tzinfo=UTC)
MESSAGE = Claimed(
    id=1,
    public_id="1",
    kind="message",
    chat_id=5,
    access_hash=7,
    language="en",
    text="hello",
    type="Text",
    random_id=9,
    attempts=1,
    first_attempt=None,
    created=NOW,
    sender="Fedor",
    token_id=3,
    token_name="ci",
    token_prefix="abcd",
    urgent=False,
    broadcast=False,
    has_urgent=False,
    expires=None,
    account_id=4,
)


def claimed(**changes: Any) -> Claimed:
    """A program's message, with these changes."""
    return msgspec.structs.replace(MESSAGE, **changes)
