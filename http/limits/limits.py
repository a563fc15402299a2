"""Rate limits of the HTTP API, with their numbers and reasons. They are counted in the memory of this
process, but for attempts at passwords and codes: the database counts those (db/programs/attempts.py).
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager, nullcontext
from datetime import datetime

from djangobot.db import metrics
from djangobot.db.clock import utc_now
from djangobot.db.credentials import gotify_form
from djangobot.db.errors import LoginTaken, TooManyRequests
from djangobot.db.programs import accounts, attempts
from djangobot.http.addresses import neighbourhood
from djangobot.http.limits.sliding_window import Clock, Window

WAITING = 100
"""Password hashes that may wait for the two hashing threads: ten seconds' work on two busy cores."""

OF_ACCOUNT = 10
"""How many of those one account may have. An account that sends more at once leaves room for the others."""

OF_ADDRESS = 60
"""How many of those one address may have: its sign-ins of one minute."""

WATCHING = 4000
"""Calls that may wait for a change of a message: each holds a connection, of which there are 10 000."""

OF_TOKEN = 64
"""How many of those one bot token may have."""

SHARES = {"account": OF_ACCOUNT, "address": OF_ADDRESS, "token": OF_TOKEN}


class ConcurrencyLimit:
    """At most `most` at once, and a share for each key. A call beyond that is refused and does not wait."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside = 0
        self._of: Counter[str] = Counter()

    @contextmanager
    def enter(self, **shares: str) -> Iterator[None]:
        """Counts in the share of an `account`, an `address`, a `token`, or several of them."""
        keys = [(f"{kind} {key}", SHARES[kind]) for kind, key in shares.items()]
        if self._inside >= self._most or any(self._of[key] >= share for key, share in keys):
            raise TooManyRequests
        self._inside += 1
        self._of.update(key for key, _ in keys)
        try:
            yield
        finally:
            self._inside -= 1
            self._of.subtract(key for key, _ in keys)
            self._of = +self._of


class Limits:
    """Every limit of the HTTP API. An address is one IPv4 address or one IPv6 /64, the network of a
    household."""

    def __init__(
        self,
        *,
        limit_send: int = 0,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._now = now

        self._registrations = Window(30, 60, clock=clock)
        """By address: all registrations, and changes of a login. Both reveal which logins exist. A CI may
        register a dozen accounts a minute; a flood is stopped."""

        self._logins_taken = Window(10, 600, clock=clock)
        """By account: changes to a login that was taken. An account looks for a login a few times a year."""

        self._new_passwords = Window(20, 300, clock=clock)
        """By account: all new passwords. Each costs two password hashes, and reveals whether it equals the
        old one."""

        self.sends = Window(limit_send, 60, clock=clock) if limit_send > 0 else None
        """By bot token, accepted messages only: DJANGOBOT_LIMIT_SEND."""

        self.hashing = ConcurrencyLimit(WAITING)
        """All calls whose password or code is being hashed."""

        self.waiting = ConcurrencyLimit(WATCHING)
        """All calls that wait for a change of a message."""

        accounts.LIMITS_RESET.subscribe(self.on_reset)

    def sending(self, token: str) -> AbstractContextManager[None]:
        """Counts the message of a bot token that is accepted in this block. Raises TooManyRequests."""
        return nullcontext() if self.sends is None else self.sends.count_successes(gotify_form(token))

    def on_reset(self, account_id: int) -> None:
        """Lets this account try again. An admin decides that. The limits of its address stay."""
        for window in (self._logins_taken, self._new_passwords):
            window.reset(str(account_id))

    @contextmanager
    def registration(self, address: str) -> Iterator[None]:
        self._registrations.count(address)
        with self.hashing.enter(address=address):
            yield

    @contextmanager
    def change(self, address: str, account_id: int, *, login: bool, password: bool) -> Iterator[None]:
        """For an account: whether the call changes its login and its password."""
        key = str(account_id)
        with self.hashing.enter(account=key, address=address), ExitStack() as windows:
            if login:
                windows.enter_context(self._logins_taken.count_failures(LoginTaken, key))
                self._registrations.count(address)
            if password:
                self._new_passwords.count(key)
            yield

    @asynccontextmanager
    async def sign_in(self, address: str, login: str, *, known: bool) -> AsyncIterator[None]:
        """`known`: whether this login has signed in from there lately."""
        around = None if known else neighbourhood(address)
        with _counted("sign_in"), self.hashing.enter(address=address):
            async with attempts.sign_in(login, address, around, self._now()):
                yield

    @asynccontextmanager
    async def password(
        self, address: str, account_id: int, login: str, *, known: bool
    ) -> AsyncIterator[None]:
        """For an account that has signed in, when its password is asked for again."""
        around = None if known else neighbourhood(address)
        with _counted("sign_in"), self.hashing.enter(account=str(account_id), address=address):
            async with attempts.password(login, address, around, self._now()):
                yield

    @asynccontextmanager
    async def code(self, address: str, account_id: int) -> AsyncIterator[None]:
        with _counted("code"), self.hashing.enter(account=str(account_id), address=address):
            async with attempts.code(account_id, address, self._now()):
                yield


@contextmanager
def _counted(what: str) -> Iterator[None]:
    """Counts refusals for /metrics and the alerts."""
    try:
        yield
    except TooManyRequests:
        metrics.refused.labels(what).inc()
        raise
