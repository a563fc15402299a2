"""A claimed message, and what becomes of it. These are plain values, which the parts of the queue and the
worker pass to each other."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

SETTLED = ("sent", "held", "failed", "expired", "canceled", "uncertain", "replaced")
ACCOUNT_BANNED = "account banned"
"""The failure of a message that a ban canceled."""
CANCELED_BY_SENDER = "canceled by its sender"
"""The failure of a message that its sender did not want any more."""
FORGOTTEN = "forgotten"
ACCOUNT_DELETED = "account deleted"
DELETED_BY_ADMIN = "deleted by an admin"
"""The failures of messages that were canceled because they, or what they belong to, were deleted."""
EXPIRED_IN_DOUBT = "expired; the answer to an attempt before that was lost"
_ids = msgspec.json.Decoder(tuple[int, ...])


class Claimed(msgspec.Struct, frozen=True):
    """A claimed message, with everything that is needed to send it."""

    id: int
    public_id: str
    kind: str
    chat_id: int
    access_hash: int
    language: str
    """Telegram's. The person may have chosen another in their settings."""
    text: str
    type: str
    random_id: int
    attempts: int
    first_attempt: datetime | None
    created: datetime
    sender: str
    token_id: int | None
    token_name: str
    token_prefix: str
    urgent: bool
    broadcast: bool
    """Whether it belongs to a broadcast. All other messages are sent first."""
    has_urgent: bool
    """Whether this message, or a later one of its chat, is urgent."""
    expires: datetime | None
    settings: str = "{}"
    """The person's settings as the chat has them (db/people/chat_settings.py)."""
    muted_until: datetime | None = None
    account_id: int | None = None
    parts: str | None = None
    """What is sent under its random_id."""
    rich: str | None = None
    """What goes with the text (db/messages/content.py). None for a plain text."""
    send_at: datetime | None = None
    """The time that its sender chose."""
    replace_key: str | None = None
    """The sender's name for a message that changes."""
    edited_id: int | None = None
    """Telegram's id of the message that this edit changes. None or 0: nobody knows it."""
    edited_ids: str | None = None
    """The ids of all its messages in the chat, as JSON, when there are several."""
    edited_rich: str | None = None
    """What goes with the text of the message that this edit changes."""
    supersedes: int | None = None
    """The message that is deleted from the chat once this one was sent."""
    reply_to: int | None = None
    """Telegram's id of the message that this one answers."""
    fixed: datetime | None = None
    """When this claim fixed its parts. None when they had been fixed before."""

    @property
    def is_edit(self) -> bool:
        """Whether it changes a message that is in the chat."""
        return self.kind == "edit"

    @property
    def sender_id(self) -> int | None:
        """The account's id, or the id of a chat's own token with a minus. None for a notice."""
        if self.account_id is None and self.token_id is not None:
            return -self.token_id
        return self.account_id

    @property
    def meant_for(self) -> datetime:
        """When it was to be sent."""
        return self.send_at or self.created

    def expired(self, now: datetime) -> bool:
        return self.expires is not None and now >= self.expires


class Sent(msgspec.Struct, frozen=True):
    """The message is in the chat. `telegram_ids`: those of all its messages there, when there are several.
    Of an edit, `rich` is what goes with the text of the edited message now, if not what goes with the edit's,
    and `tags` are its tags, folded, if they have changed."""

    message: Claimed
    telegram_id: int
    telegram_ids: tuple[int, ...] = ()
    rich: str | None = None
    tags: tuple[str, ...] | None = None

    @classmethod
    def as_messages(cls, message: Claimed, telegram_ids: Sequence[int]) -> "Sent":
        """The outcome of a message that is in the chat as these messages."""
        several = tuple(telegram_ids) if len(telegram_ids) > 1 else ()
        return cls(message, telegram_ids[0], several)


def telegram_ids_of(first: int | None, several: str | None) -> tuple[int, ...]:
    """Telegram's ids of all that the chat has of a message, from the two columns of its row. 0 stands for one
    that Telegram did not name."""
    return (first or 0,) if several is None else _ids.decode(several)


class Held(msgspec.Struct, frozen=True):
    """The message is kept and not shown. The person gets a digest at `until`."""

    message: Claimed
    until: datetime
    reason: str | None = None


class Failed(msgspec.Struct, frozen=True):
    """The message will never be in the chat."""

    message: Claimed
    reason: str


class Uncertain(msgspec.Struct, frozen=True):
    """Nobody knows whether the message is in the chat, and a repeat is not safe."""

    message: Claimed
    reason: str


class Expired(msgspec.Struct, frozen=True):
    """The message expired before it was sent, so it will never be sent."""

    message: Claimed
    reason: str | None = None


class Postponed(msgspec.Struct, frozen=True):
    """The message goes back to the queue. `not_done`: Telegram refused this attempt or was not called, so the
    attempt does not count against a repeat. An earlier attempt whose answer was lost still counts. `untried`:
    Telegram was not called; if this claim fixed the parts, the next claim fixes them again."""

    message: Claimed
    until: datetime
    reason: str
    not_done: bool = False
    untried: bool = False


class SentAnew(msgspec.Struct, frozen=True):
    """An edit whose message can't be edited. It is queued as a message of its own, which takes the other's
    replace key, with these folded tags. It `supersedes` the other if that may be in the chat still."""

    message: Claimed
    until: datetime
    reason: str
    tags: tuple[str, ...] = ()
    supersedes: bool = False


Settled = Sent | Held | Failed | Uncertain | Expired | Postponed | SentAnew


_STATUSES: dict[type[Settled], str] = {
    Sent: "sent",
    Held: "held",
    Failed: "failed",
    Uncertain: "uncertain",
    Expired: "expired",
    Postponed: "queued",
    SentAnew: "queued",
}


def status_of(result: Settled) -> str:
    """The status that the message has then."""
    return _STATUSES[type(result)]


def put_back(message: Claimed, now: datetime) -> Postponed:
    """The outcome of a message in flight that was not started."""
    return Postponed(message, now, "put back before it was sent", not_done=True, untried=True)
