"""A new message: what a sender asks for, and what they are answered."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from djangobot.db.errors import FieldsInvalid, TextTooLong
from djangobot.db.fields import blank, check_idempotency_key, unstorable

TEXT_LIMIT = 4096
"""Characters; Telegram's limit for one message. The sender's name does not count. It moves to a part of its
own when it does not fit."""
TTL_MOST = 30 * 24 * 60 * 60
"""Seconds: thirty days. A sender who allows more time than that needs no expiry."""
MessageType = Literal["Text", "Document", "File"]
TYPES: tuple[str, ...] = ("Text", "Document", "File")


class NewMessage(msgspec.Struct, frozen=True):
    """What a sender asks for. `ttl`: seconds after which the message is not sent any more. An `urgent`
    message is sent before others. With `key`, the sender's own name for this message, it is accepted once,
    however often it is repeated. `wait`: seconds to wait until the message is settled. `network`: the
    sender's network; the person is told of a new one."""

    text: str
    type: str = "Text"
    urgent: bool = False
    ttl: int | None = None
    key: str | None = None
    wait: float = 0
    network: str | None = None

    def expires(self, accepted: datetime) -> datetime | None:
        return None if self.ttl is None else accepted + timedelta(seconds=self.ttl)

    def check(self) -> None:
        """Raises FieldsInvalid, TextTooLong."""
        details = {}
        if self.type not in TYPES:
            details["type"] = f"must be one of: {', '.join(TYPES)}"
        if wrong := unstorable(self.text) or blank(self.text):
            details["text"] = wrong
        if self.ttl is not None and not 1 <= self.ttl <= TTL_MOST:
            details["ttl"] = f"must be a whole number from 1 to {TTL_MOST}"
        if details:
            raise FieldsInvalid(details)
        if len(self.text) > TEXT_LIMIT:
            raise TextTooLong
        if self.key is not None:
            check_idempotency_key(self.key)


class Accepted(msgspec.Struct, frozen=True):
    """What became of a message by the time the sender is answered. `repeated`: it was accepted before, under
    the same key."""

    id: str
    status: str
    failure: str | None = None
    repeated: bool = False
    token_id: int | None = None
