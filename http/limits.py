"""Rate limits: every limit of the HTTP API, with its number and its reason.

They are counted in this process's memory, in sliding windows. A client can't make that memory grow without
end: keys are digests, each window keeps at most KEYS of them, and the least recently used are dropped first.
"""

import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network

from cachetools import TTLCache
from litestar.types import Scope

from djangobot.db import metrics
from djangobot.db.delivery import resets
from djangobot.db.errors import CodeInvalid, LoginTaken, NotYours, TooManyRequests, WrongCredentials

Clock = Callable[[], float]

KEYS = 10_000
"""Keys a window remembers: at most 10 MB for each of the windows below, when every entry is full."""

WAITING = 100
"""Password hashes that may wait for the two hashing threads: ten seconds' work on two busy cores."""

OF_ACCOUNT = 10
"""How many of those one account may have. An account that sends more at once leaves room for the others."""

OF_ADDRESS = 60
"""How many of those one address may have: its sign-ins of one minute."""

SHARES = {"account": OF_ACCOUNT, "address": OF_ADDRESS}

WRONG_PASSWORDS = (WrongCredentials, NotYours)

UNKNOWN = "unknown"
"""The key of a call without an address. A client can't choose it."""

SOON = 2.0
"""Seconds until a retry makes sense when only the moment is bad. By then the waiting calls have been
served."""


class Window:
    """At most `limit` times in any `seconds`, per key."""

    def __init__(
        self, limit: int, seconds: float, *, keys: int = KEYS, clock: Clock = time.monotonic
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._salt = secrets.token_bytes(16)
        self._taken: TTLCache[bytes, deque[float]] = TTLCache(keys, seconds, timer=clock)
        self._trying: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, key: str) -> None:
        """Counts one for this key. Raises TooManyRequests when the window is full."""
        digest = self._digest(key)
        self._check(digest)
        self._count(digest)

    def note(self, key: str) -> None:
        """Counts one for this key, unless one is counted already."""
        if not self.has(key):
            self._count(self._digest(key))

    def forget(self, key: str) -> None:
        """Removes everything that was counted for this key."""
        self._taken.pop(self._digest(key), None)

    def has(self, key: str) -> bool:
        """Whether this key was counted in the last `seconds`."""
        taken = self._taken.get(self._digest(key), deque())
        return bool(taken) and taken[-1] > self._clock() - self.seconds

    @contextmanager
    def only(self, failure: type[Exception] | tuple[type[Exception], ...], key: str) -> Iterator[None]:
        """Counts an attempt only when it ends in `failure`."""
        digest = self._digest(key)
        with self._try(digest):
            try:
                yield
            except failure:
                self._count(digest)
                raise

    @contextmanager
    def unless_refused(self, key: str) -> Iterator[None]:
        """Counts an attempt only when it succeeds."""
        digest = self._digest(key)
        with self._try(digest):
            yield
            self._count(digest)

    @contextmanager
    def _try(self, digest: bytes) -> Iterator[None]:
        """Running attempts count too. So many at once can't pass before the first has failed."""
        self._check(digest)
        self._trying[digest] = self._trying.get(digest, 0) + 1
        try:
            yield
        finally:
            self._trying[digest] -= 1
            if not self._trying[digest]:
                del self._trying[digest]

    def _check(self, digest: bytes) -> None:
        now = self._clock()
        taken = self._taken.get(digest, deque())
        while taken and taken[0] <= now - self.seconds:
            taken.popleft()
        if len(taken) >= self.limit:
            raise TooManyRequests(taken[0] + self.seconds - now)
        if len(taken) + self._trying.get(digest, 0) >= self.limit:
            raise TooManyRequests(SOON)

    def _count(self, digest: bytes) -> None:
        taken = self._taken.get(digest, deque())
        taken.append(self._clock())
        self._taken[digest] = taken  # the key lives for another `seconds`

    def _digest(self, key: str) -> bytes:
        """The digest is short whatever was sent, and a client can't predict it."""
        return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16, key=self._salt).digest()


class ConcurrencyLimit:
    """At most `most` at once, and a share for each key. A call beyond that is refused and does not wait."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside = 0
        self._of: Counter[str] = Counter()

    @contextmanager
    def enter(self, **shares: str) -> Iterator[None]:
        """Counts in the share of an `account`, an `address`, or both."""
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

        self._trying: Counter[str] = Counter()
        """By login and neighbourhood: running attempts, which may prove wrong."""

        self._resets: Counter[str] = Counter()

    def forget(self, login: str) -> None:
        """An admin lets this login try again, from every address."""
        self._resets[login] += 1

    @contextmanager
    def attempt(self, login: str, address: str, *, known: bool) -> Iterator[None]:
        """Raises TooManyRequests when there were too many wrong ones before."""
        key = f"{self._resets[login]} {login}"
        with (
            self._here.only(WRONG_PASSWORDS, f"{key} {address}"),
            nullcontext() if known else self._of_stranger(key, f"{key} {neighbourhood(address)}"),
        ):
            yield

    @contextmanager
    def _of_stranger(self, key: str, place: str) -> Iterator[None]:
        first = not self._trying[place] and not self._wrong.has(place)
        total = self._firsts if first else self._others
        self._trying[place] += 1
        try:
            with total.only(WRONG_PASSWORDS, key):
                yield
        except WRONG_PASSWORDS:
            self._wrong.note(place)
            raise
        finally:
            self._trying[place] -= 1
            self._trying = +self._trying


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

        resets.counters.add(self)

    def forget(self, account_id: int, login: str) -> None:
        """An admin lets this account try again. The limits of its address stay."""
        self._passwords.forget(login)
        for window in (self._wrong_codes, self._logins_taken, self._new_passwords):
            window.forget(str(account_id))

    @contextmanager
    def registration(self, address: str) -> Iterator[None]:
        self._registrations.take(address)
        with self.hashing.enter(address=address):
            yield

    @contextmanager
    def change(self, address: str, account_id: int, *, login: bool, password: bool) -> Iterator[None]:
        """For an account: whether the call changes its login and its password."""
        key = str(account_id)
        with self.hashing.enter(account=key, address=address), ExitStack() as windows:
            if login:
                windows.enter_context(self._logins_taken.only(LoginTaken, key))
                self._registrations.take(address)
            if password:
                self._new_passwords.take(key)
            yield

    @contextmanager
    def sign_in(self, address: str, login: str, *, known: bool) -> Iterator[None]:
        """`known`: whether this login has signed in from there lately."""
        with _counted("sign_in"):
            self._sign_ins.take(address)
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
            self._wrong_codes.only(CodeInvalid, str(account_id)),
            self._wrong_codes_of_address.only(CodeInvalid, address),
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


def address_of(scope: Scope) -> str:
    """The key of limits by address: an IPv4 address, or an IPv6 address's /64."""
    client = scope.get("client")
    if client is None:  # a Unix socket
        return "local"
    try:
        address = ip_address(client[0])
    except ValueError:
        return UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False))


def network_of(scope: Scope) -> str:
    """The network of a call, as people are told: an IPv4 address's /24, an IPv6 address's /64."""
    client = scope.get("client")
    return "local" if client is None else _network(client[0])


@lru_cache(maxsize=10_000)
def _network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))


@lru_cache(maxsize=10_000)
def neighbourhood(address: str) -> str:
    """The network in which one owner may have many addresses: an IPv4 /24, or an IPv6 /48, the network of a
    site."""
    try:
        network = ip_network(address, strict=False)
    except ValueError:
        return address
    prefix = 24 if network.version == 4 else 48
    return str(network.supernet(new_prefix=prefix)) if network.prefixlen > prefix else str(network)
