"""Job data: what each kind of scheduled job (db/delivery/scheduled.py) needs to know."""

from datetime import datetime
from typing import Literal

from djangobot.bot.callback_data.packing import Number, Packed


class EndCode(Packed, frozen=True, tag="code"):
    """Says what became of a code, under the greeting of /start or by itself. `end` is empty when the code has
    expired. `token` is the token that was made with it."""

    place: Literal["start", "code"]
    end: Literal["", "used", "replaced"] = ""
    token: Number = 0


class HideToken(Packed, frozen=True, tag="token"):
    """Replaces a value, or an offer to undo, by the token's card."""

    token: Number


class HideInviteWord(Packed, frozen=True, tag="invite"):
    """Removes the word of an invite from the chat."""

    invite: Number


class SetMenu(Packed, frozen=True, tag="menu"):
    """Sets Telegram's menu of a person who is, or was, an admin."""

    nothing: Literal[""] = ""


class TellNewName(Packed, frozen=True, tag="renamed"):
    """Tells a chat that an account has a new name. `told` counts how often it was told before, `known` is the
    name that it knows."""

    told: Number
    known: str


class RefreshStatus(Packed, frozen=True, tag="status"):
    """Refreshes the status card."""

    until: datetime


class DeleteMessage(Packed, frozen=True, tag="delete"):
    """Deletes a message from the chat, because its sender wants that."""

    message: Number
