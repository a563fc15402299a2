"""The session with Telegram. The database keeps it encrypted, so that the next leader can continue it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from djangobot.db import credentials
from djangobot.db.clock import utc_now
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.telegram import session as telegram_session

log = structlog.get_logger(__name__)

KIND = "session"
Keep = Callable[["Session"], Awaitable[None]]


class SessionLocked(Exception):
    """The session was encrypted under another key."""


class Session(msgspec.Struct):
    """What there is to know about a sign-in."""

    dc_id: int | None = None
    api_id: int | None = None
    auth_key: bytes | None = None
    user_id: int | None = None
    """The bot's own id. None until a sign-in was completed."""


class SessionStorage:
    """One session. `keep` is called after each change."""

    def __init__(self, session: Session | None = None, keep: Keep | None = None) -> None:
        self.session = session or Session()
        self.keep = keep

    async def delete(self) -> None:
        """Deletes the session. The next start signs in anew."""
        self.session = Session()
        await self._kept()

    async def change(self, **fields: Any) -> None:
        """Sets these fields of the session."""
        self.session = msgspec.structs.replace(self.session, **fields)
        await self._kept()

    async def _kept(self) -> None:
        if self.keep is None:
            return
        try:
            await self.keep(self.session)
        except DatabaseUnavailable as exc:  # the session still works in this process
            log.warning("telegram session not kept", reason=str(exc.__cause__ or exc))


async def open_session(bot_id: int, secret: str) -> SessionStorage:
    """Loads the bot's session from the database; it is empty when the bot never signed in. Raises
    SessionLocked when it was encrypted under another secret than this, DatabaseUnavailable."""

    def seal(session: Session) -> str:
        return credentials.seal(msgspec.json.encode(session), secret, KIND)

    async def keep(session: Session) -> None:
        await telegram_session.save(bot_id, seal(session), utc_now())

    sealed = await telegram_session.load(bot_id, seal(Session()), utc_now())
    try:
        session = msgspec.json.decode(credentials.unseal(sealed, secret, KIND), type=Session)
    except credentials.WrongKey as exc:
        raise SessionLocked from exc
    return SessionStorage(session, keep)
