"""Errors: how a call to Telegram can fail, in our own terms.

`Blocked` or `Refused`: Telegram said no, and will say so again. `FloodWait`: not before that many seconds.
`AnswerLost`: nobody knows whether it was done, so the call is repeated later with the same random_id. `Cut`
is an AnswerLost that may be repeated as soon as there is a connection again. `NotYet`: nothing was done, and
it is tried again after a pause. bot/telegram/error_meanings.py says which of Telegram's errors is which.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal


class GatewayError(Exception):
    """A call to Telegram that did not succeed."""


class AnswerLost(GatewayError):
    """The answer was lost: repeat with the same random_id."""


class Cut(AnswerLost):
    """The answer was lost with the connection."""


class Undone(Cut):
    """The call was not done: Telegram wants a new connection or a new sign-in first."""


class Unasked(Undone):
    """The call was not done: there was no connection."""


class NotYet(AnswerLost):
    """Nothing is in the chat: what comes before the send did not succeed."""


Scope = Literal["chat", "uploads", "bot"]
"""Who has to wait: one chat, all that uploads files, or the whole bot."""


class FloodWait(GatewayError):
    """Telegram accepts no such call for `seconds`."""

    def __init__(self, seconds: int, scope: Scope = "chat") -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds
        self.scope: Scope = scope


class Refused(GatewayError):
    """Telegram will not do this, now or later. `reason` is Telegram's own word for why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Blocked(Refused):
    """The person blocked the bot."""


class PartlySent(FloodWait):
    """Telegram took a part of the message and wants us to wait before the next. A repeat begins with the
    first part, which Telegram recognises by its random_id."""

    def __init__(self, wait: FloodWait) -> None:
        super().__init__(wait.seconds, wait.scope)


@contextmanager
def after_a_part(*, sent: bool = True) -> Iterator[None]:
    """Inside, a failure concerns only a part of a message. When another part was sent before, no failure says
    any more that nothing is in the chat."""
    try:
        yield
    except FloodWait as exc:
        if not sent:
            raise
        raise PartlySent(exc) from exc
    except (Undone, NotYet) as exc:
        if not sent:
            raise
        raise (Cut if isinstance(exc, Undone) else AnswerLost)(str(exc)) from exc
