"""Account networks: the networks an account has signed in from. From there its owner may try a password,
whatever strangers have tried elsewhere."""

from datetime import datetime, timedelta

from piccolo.columns import BigSerial, ForeignKey, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db.engine import current
from djangobot.db.programs.accounts import Account

KNOWN_MOST = 20
"""The networks of an account that are kept. The ones used least recently are deleted."""
KNOWN_FOR = timedelta(days=90)
NOTED_EVERY = timedelta(days=1)
"""The precision of `last_used`. With an exact value, each sign-in would be a write."""


class AccountNetwork(Table, tablename="account_network"):
    """An IPv4 address or an IPv6 /64."""

    id = BigSerial(primary_key=True)
    account = ForeignKey(references=Account, on_delete=OnDelete.cascade, null=False)
    network = Varchar(length=64)
    last_used = Timestamptz(default=None)


INDEXES = ("CREATE UNIQUE INDEX network_of_account ON account_network (account, network)",)

KNOWN = """
SELECT 1 AS one FROM account_network n JOIN account a ON a.id = n.account
WHERE a.login = $1 AND n.network = $2 AND n.last_used > $3
"""
NOTED = "SELECT 1 AS one FROM account_network WHERE account = $1 AND network = $2 AND last_used > $3"
NOTE = """
INSERT INTO account_network (account, network, last_used)
SELECT a.id, $2::varchar, $3::timestamptz FROM account a WHERE a.id = $1
ON CONFLICT (account, network) DO UPDATE SET last_used = excluded.last_used
"""
FORGET_OLDEST = """
DELETE FROM account_network WHERE account = $1 AND id NOT IN (
    SELECT n.id FROM account_network n WHERE n.account = $1 AND n.last_used > $3
    ORDER BY n.last_used DESC, n.id DESC LIMIT $2
)
"""


async def known(login: str, network: str, now: datetime) -> bool:
    """Whether the account of this login has signed in from this network lately."""
    return bool(await current().fetch(KNOWN, login, network, now - KNOWN_FOR))


async def note(account_id: int, network: str, now: datetime) -> None:
    """Records that the account has signed in from this network."""
    engine = current()
    if await engine.fetch(NOTED, account_id, network, now - NOTED_EVERY):
        return
    async with engine.write():
        await engine.execute(NOTE, account_id, network, now)
        await engine.execute(FORGET_OLDEST, account_id, KNOWN_MOST, now - KNOWN_FOR)
