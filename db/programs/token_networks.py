"""Token networks: the networks a bot token is used from. The first is stored without a notice. The person in
the chat is told of each further one."""

from datetime import datetime

import structlog
from cachetools import LRUCache
from piccolo.columns import BigSerial, ForeignKey, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db.delivery import outbox
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.engine import current
from djangobot.db.engine.errors import is_reference_violation
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.programs.tokens import BotToken
from djangobot.db.tasks import Tasks

log = structlog.get_logger(__name__)

KNOWN_MOST = 20
"""Networks kept of a token. A sender in more networks than that, like a CI in a cloud, has no usual place.
The last notice says that there will be no more."""
REMEMBERED = 50_000
"""Uses that are remembered without asking the database."""


class TokenNetwork(Table, tablename="token_network"):
    """An IPv4 /24 or an IPv6 /64."""

    id = BigSerial(primary_key=True)
    token = ForeignKey(references=BotToken, on_delete=OnDelete.cascade, null=False)
    network = Varchar(length=64)
    first_used = Timestamptz(default=None)


INDEXES = ("CREATE UNIQUE INDEX network_of_token ON token_network (token, network)",)

KNOW = """
INSERT INTO token_network (token, network, first_used)
SELECT t.id, $2::varchar, $3::timestamptz FROM bot_token t
WHERE t.id = $1 AND (SELECT COUNT(*) FROM token_network n WHERE n.token = $1) < $4
ON CONFLICT (token, network) DO NOTHING RETURNING id
"""

_seen: LRUCache[tuple[int, int, str], bool] = LRUCache(REMEMBERED)
_noting = Tasks()


def note(token_id: int, network: str, now: datetime) -> None:
    """Records that a token was used from a network. A new network is written, and told in the chat, in the
    background."""
    key = (id(current()), token_id, network)
    if key in _seen:
        return
    _seen[key] = True
    _noting.start(_note(key, now))


async def know(token_id: int, network: str, now: datetime) -> int:
    """Stores a network of a token without a notice. Returns its ordinal number; 0 when it was known, or when
    there are KNOWN_MOST. Runs in the caller's transaction."""
    if not await current().execute(KNOW, token_id, network, now, KNOWN_MOST):
        return 0
    rows = await current().fetch("SELECT COUNT(*) AS known FROM token_network WHERE token = $1", token_id)
    number: int = rows[0]["known"]
    return number


async def _note(key: tuple[int, int, str], now: datetime) -> None:
    _, token_id, network = key
    try:
        chat_id = await _add_notice(token_id, network, now)
    except DatabaseUnavailable:
        _seen.pop(key, None)  # the next use tries again
        return
    except Exception as exc:
        if not is_reference_violation(exc):  # the token was deleted with its account
            raise
        return
    if chat_id is not None:
        log.info("bot token used from a new network", token_id=token_id, chat=chat_id)
        wakeups.notify_due(chat_id)


async def _add_notice(token_id: int, network: str, now: datetime) -> int | None:
    """Adds a notice, if the network is new and not the first. Returns the chat that gets it."""
    engine = current()
    async with engine.write():
        number = await know(token_id, network, now)
        if number < 2:
            return None
        rows = await engine.fetch(
            "SELECT chat, account FROM bot_token WHERE id = $1 AND revoked IS NULL", token_id
        )
        if not rows:
            return None
        chat_id: int = rows[0]["chat"]
        kind = "last_network" if number == KNOWN_MOST else "new_network"
        await outbox.add_notice(
            kind, chat_id, now, text=network, account_id=rows[0]["account"], token_id=token_id
        )
    return chat_id
