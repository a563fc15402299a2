"""The time a client has: for the rest of a request's body, and to read an answer."""

import math

from djangobot.http.server.bounds import PACE, Bounds


class ReadingPace:
    """How fast a client reads what was written to it: PACE bytes a second on average, at most `answer`
    seconds ahead."""

    __slots__ = ("_bounds", "deadline", "unread")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.unread = 0
        """Bytes that were written and not read, when this was last looked at."""
        self.deadline = math.inf
        """The loop's time at which the client is given up; infinity while it has nothing to read."""

    def start(self, unread: int, now: float) -> None:
        """The client has so many bytes to read from now on."""
        self.unread = unread
        if unread:
            self.deadline = now + self._bounds.answer

    def advance(self, unread: int, now: float) -> bool:
        """Gives more time for what was read. Returns whether anything was."""
        read, self.unread = self.unread - unread, unread
        if read > 0:
            self.deadline = min(self.deadline + read / PACE, now + self._bounds.answer)
        return read > 0

    def stop(self) -> None:
        """The client has read everything."""
        self.unread = 0
        self.deadline = math.inf


def body_deadline(deadline: float, size: int, now: float, bounds: Bounds) -> float:
    """The time by which more of a body must come, after so many bytes came: PACE bytes a second on average,
    at most `body` seconds ahead. So a body of any length may take its time, and none may stand still."""
    return min(deadline + size / PACE, now + bounds.body)
