"""Answers and updates that the client has not acknowledged: sent again after a reconnect, or on request."""

import time
from collections import OrderedDict

import msgspec

from djangobot.bot.sandbox.mtproto.containers import Message

# How many answers a session keeps; the oldest is forgotten first. Our own choice.
MAX_KEPT = 4096
# Seconds. An older answer is not sent again: clients take an old msg_id for a replay.
RESEND_WITHIN = 60


class _Answer(msgspec.Struct):
    request: int
    """0: this is an update."""
    message: Message
    at: float


class PendingAnswers:
    """A session's unacknowledged answers and updates, by their own id; answers also by their request's."""

    def __init__(self) -> None:
        self._answers: OrderedDict[int, _Answer] = OrderedDict()
        self._by_request: dict[int, int] = {}

    def __contains__(self, msg_id: int) -> bool:
        return msg_id in self._answers

    def add(self, message: Message, *, request: int = 0) -> None:
        """Keeps the answer to a request; without one, an update."""
        self._answers[message.msg_id] = _Answer(request, message, time.monotonic())
        if request:
            self._by_request[request] = message.msg_id
        if len(self._answers) > MAX_KEPT:
            _, old = self._answers.popitem(last=False)
            self._by_request.pop(old.request, None)

    def acknowledge(self, msg_id: int) -> None:
        """The client has this answer."""
        answer = self._answers.pop(msg_id, None)
        if answer is not None:
            self._by_request.pop(answer.request, None)

    def of_request(self, request: int) -> Message | None:
        """The answer to a request; None when there is none or when it was acknowledged."""
        msg_id = self._by_request.get(request)
        return None if msg_id is None else self._answers[msg_id].message

    def drop(self, request: int) -> Message | None:
        """Forgets the answer to a request, and returns it."""
        msg_id = self._by_request.pop(request, None)
        return None if msg_id is None else self._answers.pop(msg_id).message

    def named(self, msg_ids: list[int]) -> list[Message]:
        """Those of these answers that are kept, in the order asked."""
        return [self._answers[number].message for number in msg_ids if number in self._answers]

    def recent(self, *, answers: bool, updates: bool) -> list[Message]:
        """What of these may still be sent again, oldest first."""
        now = time.monotonic()
        return [
            answer.message
            for answer in self._answers.values()
            if now - answer.at < RESEND_WITHIN and (answers if answer.request else updates)
        ]
