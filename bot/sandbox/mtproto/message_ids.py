"""Message ids: the server's own, and the checks of those that a client sends.

Source: core.telegram.org/mtproto/description#message-identifier-msg-id.
"""

import time
from array import array
from bisect import bisect_left

from djangobot.bot.sandbox.mtproto import constructors

# Seconds that the clocks may differ by (the same page).
MAX_BEHIND = 300
MAX_AHEAD = 30
# How many ids a session remembers; an older id is refused. Our own choice: Telegram publishes no number.
REMEMBERED = 4096


class MessageIds:
    """The server's message ids: its clock, always rising, odd as the protocol asks."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, answer: bool) -> int:
        """A new id. Modulo 4, an answer to a message leaves 1 and any other message leaves 3."""
        number = int(time.time() * 4294967296) & ~3
        if number <= self._last:
            number = self._last + 4
        self._last = number
        return number | (1 if answer else 3)


class ReceivedIds:
    """The message ids a session has received, and the sequence number of the newest one."""

    def __init__(self) -> None:
        self.newest = 0
        self._newest_seqno = -1
        self._ids = array("q")
        """Rising. A busy session remembers thousands: as a set they would take ten times the memory."""

    def __contains__(self, msg_id: int) -> bool:
        place = self._place_of(msg_id)
        return place < len(self._ids) and self._ids[place] == msg_id

    def add(self, msg_id: int) -> None:
        """Remembers an id and forgets the oldest one when there are too many."""
        if msg_id in self:
            return
        self._ids.insert(self._place_of(msg_id), msg_id)
        if len(self._ids) > REMEMBERED:
            del self._ids[0]

    def too_old(self, msg_id: int) -> bool:
        """Whether the id is older than all that are remembered, so that a repeat could not be recognised."""
        return len(self._ids) >= REMEMBERED and msg_id < self._ids[0]

    def _place_of(self, msg_id: int) -> int:
        """Where the id is, or belongs: nearly always it is the newest."""
        ids = self._ids
        return len(ids) if not ids or msg_id > ids[-1] else bisect_left(ids, msg_id)

    def seqno_error(self, msg_id: int, seqno: int) -> int:
        """The error code for a content message's sequence number; 0 means that it is in order."""
        if seqno % 2 == 0:
            return constructors.ODD_EXPECTED
        if msg_id > self.newest:
            if seqno <= self._newest_seqno:
                return constructors.SEQNO_TOO_LOW
            self.newest, self._newest_seqno = msg_id, seqno
        elif seqno >= self._newest_seqno:
            return constructors.SEQNO_TOO_HIGH
        return 0


def time_error(msg_id: int) -> int:
    """The error code for an id that does not suit the clock; 0 means that it does."""
    at, now = msg_id / 4294967296, time.time()
    if msg_id % 4:
        return constructors.NOT_A_MULTIPLE_OF_4
    if at < now - MAX_BEHIND:
        return constructors.TOO_LOW
    return constructors.TOO_HIGH if at > now + MAX_AHEAD else 0
