"""Rate limits: every limit of the HTTP API, with its number and its reason. They are counted in the memory of
this process."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from djangobot.db import metrics
from djangobot.db.credentials import gotify_form
from djangobot.db.errors import CodeInvalid, LoginTaken, NotYours, TooManyRequests, WrongCredentials
from djangobot.db.programs import accounts
from djangobot.http.addresses import neighbourhood
from djangobot.http.sliding_window import SOON, Clock, Window

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

WRONG_PASSWORDS = (WrongCredentials, NotYours)


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
            raise TooManyRequests(SOON)
        self._inside += 1
        self._of.update(key for key, _ in keys)
        try:
            yield
        finally:
            self._inside -= 1
            self._of.subtract(key for key, _ in keys)
            self._of = +self._of


class Passwords:
    """Wrong passwords for a login, also for unknown logins, wherever a password is checked.

    They are counted by login and address. So nobody can lock out the owner, who uses another address. A
    stranger is a caller from an address this login has not signed in from lately. Strangers are also counted
    together: the first wrong password of a neighbourhood (an IPv4 /24, an IPv6 /48) in a day, and those that
    follow. So an attacker with ever more addresses has a bounded number of guesses. The owner can always sign
    in from a known address. From a new one they can do so until the first tries of a thousand neighbourhoods
    were wrong.
    """

    def __init__(self, clock: Clock) -> None:
        self._here = Window(20, 300, clock=clock)
        """By login and address."""

        self._firsts = Window(1000, 86_400, clock=clock)
        """By login: the first wrong passwords of strangers."""

        self._others = Window(50, 3600, clock=clock)
        """By login: the other wrong passwords of strangers."""

        self._wrong = Window(1, 86_400, clock=clock)
        """By login and neighbourhood: neighbourhoods with a wrong password."""

        self._running: Counter[str] = Counter()
        """By login and neighbourhood: running attempts, which may prove wrong."""

        self._resets: Counter[str] = Counter()

    def reset(self, login: str) -> None:
        """Lets this login try again, from every address. An admin decides that."""
        self._resets[login] += 1

    @contextmanager
    def attempt(self, login: str, address: str, *, known: bool) -> Iterator[None]:
        """Raises TooManyRequests when there were too many wrong ones before."""
        key = f"{self._resets[login]} {login}"
        with (
            self._here.count_failures(WRONG_PASSWORDS, f"{key} {address}"),
            nullcontext() if known else self._of_stranger(key, f"{key} {neighbourhood(address)}"),
        ):
            yield

    @contextmanager
    def _of_stranger(self, key: str, place: str) -> Iterator[None]:
        first = not self._running[place] and not self._wrong.has(place)
        total = self._firsts if first else self._others
        self._running[place] += 1
        try:
            with total.count_failures(WRONG_PASSWORDS, key):
                yield
        except WRONG_PASSWORDS:
            self._wrong.count_once(place)
            raise
        finally:
            self._running[place] -= 1
            self._running = +self._running


class Limits:
    """Every limit of the HTTP API. An address is one IPv4 address or one IPv6 /64, the network of a
    household."""

    def __init__(self, *, limit_send: int = 0, clock: Clock = time.monotonic) -> None:
        self._registrations = Window(30, 60, clock=clock)
        """By address: all registrations, and changes of a login. Both reveal which logins exist. A CI may
        register a dozen accounts a minute; a flood is stopped."""

        self._logins_taken = Window(10, 600, clock=clock)
        """By account: changes to a login that was taken. An account looks for a login a few times a year."""

        self._new_passwords = Window(20, 300, clock=clock)
        """By account: all new passwords. Each costs two password hashes, and reveals whether it equals the
        old one."""

        self._sign_ins = Window(60, 60, clock=clock)
        """By address: all sign-ins, one a second. Each costs a password hash."""

        self._passwords = Passwords(clock)

        self._wrong_codes = Window(10, 600, clock=clock)
        """By account, failures only: a code is valid for 10 minutes, so 10 guesses out of 10 000 000 000."""

        self._wrong_codes_of_address = Window(60, 600, clock=clock)
        """By address, failures only: many accounts behind one address guess no faster than six. The guesses
        of all addresses together are counted in the database (db/people/guesses.py)."""

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

    def on_reset(self, account: tuple[int, str]) -> None:
        """Lets this account, of this id and login, try again. An admin decides that. The limits of its
        address stay."""
        account_id, login = account
        self._passwords.reset(login)
        for window in (self._wrong_codes, self._logins_taken, self._new_passwords):
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

    @contextmanager
    def sign_in(self, address: str, login: str, *, known: bool) -> Iterator[None]:
        """`known`: whether this login has signed in from there lately."""
        with _counted("sign_in"):
            self._sign_ins.count(address)
            with self.hashing.enter(address=address), self._passwords.attempt(login, address, known=known):
                yield

    @contextmanager
    def password(self, address: str, account_id: int, login: str, *, known: bool) -> Iterator[None]:
        """For an account that has signed in, when its password is asked for again."""
        with (
            _counted("sign_in"),
            self.hashing.enter(account=str(account_id), address=address),
            self._passwords.attempt(login, address, known=known),
        ):
            yield

    @contextmanager
    def code(self, address: str, account_id: int) -> Iterator[None]:
        with (
            _counted("code"),
            self.hashing.enter(account=str(account_id), address=address),
            self._wrong_codes.count_failures(CodeInvalid, str(account_id)),
            self._wrong_codes_of_address.count_failures(CodeInvalid, address),
        ):
            yield


@contextmanager
def _counted(what: str) -> Iterator[None]:
    """Counts refusals for /metrics and the alerts."""
    try:
        yield
    except TooManyRequests:
        metrics.refused.labels(what).inc()
        raise
