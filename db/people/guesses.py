"""Guesses: how many wrong codes have been tried by everybody together, and how many are too many.

A guess at one of 10^10 codes while L of them are valid succeeds with a chance of L / 10^10. It costs L. All
guesses in any 24 hours may cost BUDGET. So somebody who guesses succeeds within a day with a chance below
BUDGET / 10^10, one in a million. That holds for any number of accounts and addresses, through restarts, and
in all processes together. The last part of the budget is for accounts and networks that have tried no wrong
code in that time. While the first part does not allow one more guess, new codes are longer. Those cannot be
guessed, and cost nothing.
"""

from datetime import datetime, timedelta

from piccolo.columns import BigInt, BigSerial, Integer, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db import state
from djangobot.db.engine import current
from djangobot.db.errors import TooManyWrongCodes
from djangobot.db.periodic import repeat

CODE_LENGTH = 10
LONG_CODE_LENGTH = 20
"""The length of codes that are made while too many wrong ones are tried. With a thousand guesses a second for
a day and 100 000 such codes alive, the chance that one is hit is 1e-7."""
DAY = timedelta(days=1)
BUDGET = 10_000
"""A chance of 1e-6 a day, in parts of 10^10."""
OF_ALL = 8_000
"""The part that is not reserved for accounts and networks without a wrong code."""
TIDY_EVERY = 60.0
"""Seconds between two removals of what counts no more."""
LOCK = "wrong codes"
"""The name of a row in the state table. A process that counts locks it."""


class WrongCode(Table, tablename="wrong_code"):
    """Not bound to its account: a guess counts even after its account is removed."""

    id = BigSerial(primary_key=True)
    time = Timestamptz(default=None, index=True)
    cost = Integer(default=0)
    account = BigInt(null=True, default=None, index=True)
    network = Varchar(length=64, index=True)


INDEXES = ("CREATE INDEX code_by_expiry ON code (expires)",)

ALIVE = "SELECT COUNT(*) AS living FROM code WHERE expires > $1 AND used IS NULL AND length = $2"
SPENT = "SELECT COALESCE(SUM(cost), 0) AS spent, MIN(time) AS oldest FROM wrong_code WHERE time > $1"
MADE = """
SELECT 1 AS one FROM wrong_code
WHERE time > $1 AND (account = $2::bigint OR (network <> '' AND network = $3::varchar)) LIMIT 1
"""
COUNT = "INSERT INTO wrong_code (time, cost, account, network) VALUES ($1, $2, $3, $4)"
TIDY = "DELETE FROM wrong_code WHERE time <= $1"
FORGIVE = "UPDATE wrong_code SET account = NULL WHERE account = $1"


async def length_of_new_code(now: datetime) -> int:
    """How many digits a code has that is made now."""
    return LONG_CODE_LENGTH if await too_many(now) else CODE_LENGTH


async def too_many(now: datetime) -> bool:
    """Whether the part for all does not allow one more guess at the valid codes."""
    spent, _ = await _spent(now)
    return spent + await _living(now) > OF_ALL


async def admit_in_transaction(account_id: int, network: str, length: int, now: datetime) -> int:
    """What a guess by this account costs if it is wrong. Anybody else who redeems a code waits for the end of
    the caller's transaction. Raises TooManyWrongCodes."""
    if length > CODE_LENGTH:
        return 0
    await state.lock(LOCK, now)
    cost = await _living(now)
    if not cost:
        return 0
    spent, oldest = await _spent(now)
    if spent + cost <= OF_ALL:
        return cost
    guessed_before = await current().fetch(MADE, now - DAY, account_id, network)
    if guessed_before or spent + cost > BUDGET:
        raise TooManyWrongCodes(((oldest or now) + DAY - now).total_seconds())
    return cost


async def count_in_transaction(cost: int, account_id: int, network: str, now: datetime) -> None:
    """Records a wrong guess."""
    await current().execute(COUNT, now, cost, account_id, network)


async def forgive(account_id: int) -> None:
    """An admin lets this account try again, as one without wrong codes. The cost of its guesses stays
    spent."""
    await current().execute(FORGIVE, account_id)


async def keep_up() -> None:
    """Removes what counts no more, for ever."""
    await repeat(tidy, TIDY_EVERY)


async def tidy(now: datetime) -> None:
    """Removes wrong codes that count no more. There are at most BUDGET in a day."""
    await current().execute(TIDY, now - DAY)


async def _living(now: datetime) -> int:
    """The number of valid codes that a guess could hit. Long codes can't be hit."""
    rows = await current().fetch(ALIVE, now, CODE_LENGTH)
    living: int = rows[0]["living"]
    return living


async def _spent(now: datetime) -> tuple[int, datetime | None]:
    """The cost spent in the last 24 hours, and when the first of it was spent."""
    rows = await current().fetch(SPENT, now - DAY)
    oldest = rows[0]["oldest"]
    return int(rows[0]["spent"]), datetime.fromisoformat(oldest) if isinstance(oldest, str) else oldest
