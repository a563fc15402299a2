"""Attempts: how often passwords and codes were tried. The database counts them, so there is one count for all
processes, and a restart forgets nothing.

Wrong passwords are counted by login and address, also for logins that do not exist. So nobody can lock out
the owner, who uses another address. A stranger is a caller from an address this login has not signed in from
lately. Strangers are also counted together: the first wrong password of a neighbourhood (an IPv4 /24, an IPv6
/48) in a day, and those that follow. So an attacker with ever more addresses has a bounded number of guesses.
The owner can always sign in from a known address. From a new one they can do so until the first tries of a
thousand neighbourhoods were wrong.

Wrong codes are counted by account and by address. All wrong codes together are counted in db/people/guesses.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from hashlib import blake2b, sha256

import msgspec
from piccolo.columns import BigSerial, Boolean, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db import state
from djangobot.db.engine import current
from djangobot.db.errors import CodeInvalid, DatabaseUnavailable, NotYours, TooManyRequests, WrongCredentials
from djangobot.db.periodic import repeat

DAY = timedelta(days=1)
KEPT = timedelta(minutes=10)
"""How long an attempt is kept, if it is not a stranger's wrong password. No other limit looks further back,
and no attempt takes as long."""
MOST = 200_000
"""Attempts that are kept, the newest ones: about 70 MB. They are the work of hours for a processor that does
nothing but compare passwords."""
TIDY_EVERY = 60.0
"""Seconds between two removals of old attempts."""
STEP = 1000
"""Attempts that are removed in one transaction."""
LOCK = "attempts"
"""The name of a row in the state table. A process that begins an attempt locks it."""
WRONG_PASSWORDS = (WrongCredentials, NotYours)


class Attempt(Table, tablename="attempt"):
    """`subject` (a login or an account), `address` and `neighbourhood` are digests under a key that the
    database does not have, for some people type a password where the login belongs."""

    id = BigSerial(primary_key=True)
    kind = Varchar(length=16)
    time = Timestamptz(default=None)
    subject = Varchar(length=32)
    address = Varchar(length=32)
    neighbourhood = Varchar(length=32)
    """Empty when the caller is no stranger."""
    first = Boolean(default=False)
    """Whether it was the first one of a neighbourhood."""
    wrong = Boolean(null=True, default=None)
    """None while it is running. It may prove wrong, so it counts as if it were."""
    until = Timestamptz(default=None, index=True)
    """When it can be removed."""


INDEXES = (
    "CREATE INDEX attempt_by_subject ON attempt (subject, time)",
    "CREATE INDEX attempt_by_address ON attempt (address, time)",
)


class Try(msgspec.Struct, frozen=True):
    """What is known of an attempt before it is made, as in `Attempt`."""

    kind: str
    subject: str
    address: str
    neighbourhood: str = ""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """At most `most` in any `seconds`, for the same values of the columns in `by`. `which`: what is counted,
    in SQL."""

    most: int
    seconds: int
    by: tuple[str, ...]
    which: str

    @property
    def sql(self) -> str:
        same = " AND ".join(f"{column} = ${number}" for number, column in enumerate(self.by, 2))
        return COUNT.format(same=same, which=self.which)


FAILURES = "wrong IS NOT FALSE"
SIGN_INS = Limit(most=60, seconds=60, by=("address",), which="kind = 'sign_in'")
"""All sign-ins, one a second. Each costs a password hash."""
PASSWORDS = Limit(most=20, seconds=300, by=("subject", "address"), which=FAILURES)
FIRSTS = Limit(most=1000, seconds=86_400, by=("subject",), which=f"{FAILURES} AND first")
"""The first wrong passwords of strangers."""
OTHERS = Limit(
    most=50, seconds=3600, by=("subject",), which=f"{FAILURES} AND neighbourhood <> '' AND NOT first"
)
"""The other wrong passwords of strangers."""
CODES = Limit(most=10, seconds=600, by=("subject",), which=FAILURES)
"""A code is valid for 10 minutes, so that is 10 guesses out of 10 000 000 000."""
CODES_OF_ADDRESS = Limit(most=60, seconds=600, by=("address",), which=f"{FAILURES} AND kind = 'code'")
"""Many accounts behind one address guess no faster than six."""
LIMITS = {
    "sign_in": (SIGN_INS, PASSWORDS),
    "password": (PASSWORDS,),
    "code": (CODES, CODES_OF_ADDRESS),
}

COUNT = """
SELECT COUNT(*) AS counted, COALESCE(SUM(CASE WHEN wrong THEN 1 ELSE 0 END), 0) AS wrong, MIN(time) AS oldest
FROM attempt WHERE time > $1 AND {same} AND {which}
"""
TRIED = f"""
SELECT 1 AS one FROM attempt
WHERE subject = $1 AND neighbourhood = $2 AND time > $3 AND {FAILURES} LIMIT 1
"""  # noqa: S608 - from a constant
BEGIN = """
INSERT INTO attempt (kind, time, subject, address, neighbourhood, first, until)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
"""
END = "UPDATE attempt SET wrong = $2, until = $3 WHERE id = $1"
FORGIVE = "UPDATE attempt SET subject = '' WHERE subject = $1 AND wrong"
OLD = """
DELETE FROM attempt WHERE id IN (SELECT a.id FROM attempt a WHERE a.until <= $1 ORDER BY a.until LIMIT $2)
RETURNING id
"""
TOO_MANY = """
DELETE FROM attempt WHERE id IN (
    SELECT a.id FROM attempt a WHERE a.id <= (SELECT MAX(b.id) FROM attempt b) - $1 ORDER BY a.id LIMIT $2
) RETURNING id
"""

_key = secrets.token_bytes(32)


def use_key(secret: str) -> None:
    """Sets the key of the digests. Processes that count together have the same one."""
    global _key
    _key = sha256(b"djangobot attempts\0" + secret.encode("utf-8", "surrogatepass")).digest()


def sign_in(
    login: str, address: str, neighbourhood: str | None, now: datetime
) -> AbstractAsyncContextManager[None]:
    """`async with`: an attempt to sign in, which is wrong if the block raises WRONG_PASSWORDS.
    `neighbourhood`: None for an address that is known. Raises TooManyRequests."""
    return _attempt(Try("sign_in", *_password(login, address, neighbourhood)), now)


def password(
    login: str, address: str, neighbourhood: str | None, now: datetime
) -> AbstractAsyncContextManager[None]:
    """The same for an account that has signed in, when its password is asked for again."""
    return _attempt(Try("password", *_password(login, address, neighbourhood)), now)


def code(account_id: int, address: str, now: datetime) -> AbstractAsyncContextManager[None]:
    """The same for a code, which is wrong if the block raises CodeInvalid."""
    return _attempt(Try("code", _digest(f"account {account_id}"), _digest(f"address {address}")), now)


async def forgive(account_id: int, login: str) -> None:
    """An admin lets this account, of this id and login, try again. The limits of its addresses stay."""
    for subject in (f"login {login}", f"account {account_id}"):
        await current().execute(FORGIVE, _digest(subject))


async def keep_up() -> None:
    """Removes old attempts, for ever."""
    await repeat(tidy, TIDY_EVERY)


async def tidy(now: datetime, most: int = MOST) -> None:
    """Removes attempts that count no more, and the oldest of more than `most`."""
    for sql, limit in ((OLD, now), (TOO_MANY, most)):
        while len(await current().execute(sql, limit, STEP)) == STEP:
            pass


def _password(login: str, address: str, neighbourhood: str | None) -> tuple[str, str, str]:
    around = "" if neighbourhood is None else _digest(f"neighbourhood {neighbourhood}")
    return _digest(f"login {login}"), _digest(f"address {address}"), around


def _digest(text: str) -> str:
    """Short whatever was sent, and nobody without the key can tell what it was."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=_key).hexdigest()


@contextlib.asynccontextmanager
async def _attempt(attempt: Try, now: datetime) -> AsyncIterator[None]:
    """A wrong attempt that can't be recorded raises DatabaseUnavailable: its outcome stays unknown to the
    caller. What a killed process leaves counts as running until it is old."""
    number = await _begin(attempt, now)
    failures = CodeInvalid if attempt.kind == "code" else WRONG_PASSWORDS
    try:
        yield
    except failures:
        await current().execute(END, number, True, now + (DAY if attempt.neighbourhood else KEPT))
        raise
    except Exception:
        await _not_wrong(number, now)
        raise
    await _not_wrong(number, now)


async def _not_wrong(number: int, now: datetime) -> None:
    with contextlib.suppress(DatabaseUnavailable):  # then it counts as running for a while
        await current().execute(END, number, False, now + KEPT)


async def _begin(attempt: Try, now: datetime) -> int:
    """Counts an attempt, and returns its id. Raises TooManyRequests."""
    await _admit(attempt, now)  # most of a flood is refused here, and no lock is needed for that
    engine = current()
    async with engine.write():
        await state.lock(LOCK, now)
        first = await _admit(attempt, now)
        about = (attempt.kind, now, attempt.subject, attempt.address, attempt.neighbourhood)
        (row,) = await engine.execute(BEGIN, *about, first, now + KEPT)
    number: int = row["id"]
    return number


async def _admit(attempt: Try, now: datetime) -> bool:
    """Returns whether it is the first one of a strange neighbourhood. Raises TooManyRequests."""
    for limit in LIMITS[attempt.kind]:
        await _check(limit, attempt, now)
    if not attempt.neighbourhood:
        return False
    first = not await current().fetch(TRIED, attempt.subject, attempt.neighbourhood, now - DAY)
    await _check(FIRSTS if first else OTHERS, attempt, now)
    return first


async def _check(limit: Limit, attempt: Try, now: datetime) -> None:
    window = timedelta(seconds=limit.seconds)
    rows = await current().fetch(limit.sql, now - window, *(getattr(attempt, column) for column in limit.by))
    counted, wrong, oldest = rows[0]["counted"], rows[0]["wrong"], rows[0]["oldest"]
    if counted < limit.most:
        return
    if wrong < limit.most and FAILURES in limit.which:
        raise TooManyRequests  # some are running, and may prove right
    oldest = datetime.fromisoformat(oldest) if isinstance(oldest, str) else oldest
    raise TooManyRequests((oldest + window - now).total_seconds())
