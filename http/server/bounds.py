"""The bounds of a connection. docs/http.md gives the reason for each."""

from dataclasses import dataclass

READ_SIZE = 64 * 1024
"""Bytes read from a socket at once. This is also how much a connection may send before its answer."""
UNREAD = 64 * 1024
"""Bytes of a body that wait for the application, or that are discarded when it does not want them."""
PACE = 1024
"""Bytes a second, on average, at which a body must arrive and an answer must be read."""
KEPT = "djangobot.kept"
"""The key in the ASGI scope by which the application says that it keeps the whole body in memory."""
SPARE_AFTER = 1.0
"""Seconds without a request after which a connection may be closed for a new one."""
LINGER = 2.0
"""Seconds for a client to read why it is refused, before the connection is closed."""


@dataclass(frozen=True)
class Bounds:
    """Seconds, except `connections` and `held`, which is in bytes."""

    idle: float = 75.0
    """Between two requests: DJANGOBOT_HTTP_IDLE. Longer than most proxies keep their connections, which is 60
    s at most."""
    connections: int = 10_000
    """DJANGOBOT_HTTP_CONNECTIONS; fewer when the process may not open as many files."""
    head: float = 10.0
    """For the whole head, from its first byte, or from the connection's beginning."""
    body: float = 10.0
    """For the next PACE * `body` bytes of a body."""
    answer: float = 30.0
    """For the client to read the next PACE * `answer` bytes."""
    held: int = 64 * 1024 * 1024
    """Bytes of unfinished requests and unread answers, of all connections together."""
    grace: float = 10.0
    """For running requests when the server stops."""
