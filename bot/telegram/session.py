"""The session with Telegram. The database keeps it encrypted, so that the next leader can continue it."""

import base64
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import msgspec
import structlog
from cryptography.fernet import Fernet, InvalidToken
from pyrogram.storage import Storage

from djangobot.db.clock import utc_now
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.telegram import session as telegram_session

log = structlog.get_logger(__name__)

Keep = Callable[["Session"], Awaitable[None]]


class SessionLocked(Exception):
    """The session was encrypted under another key."""


class Session(msgspec.Struct):
    """What Pyrogram stores about a sign-in."""

    dc_id: int | None = None
    api_id: int | None = None
    test_mode: bool | None = None
    auth_key: bytes | None = None
    date: int | None = None
    user_id: int | None = None
    is_bot: bool | None = None


class SessionStorage(Storage):
    """Pyrogram's storage for one session. `keep` is called after each change. It keeps no peers, because
    access hashes are in the chats table."""

    def __init__(self, session: Session | None = None, keep: Keep | None = None) -> None:
        super().__init__("telegram")
        self.session = session or Session()
        self.keep = keep

    async def open(self) -> None:
        """Always open."""

    async def save(self) -> None:
        """Written with each update."""

    async def close(self) -> None:
        """Nothing to close."""

    async def delete(self) -> None:
        """Deletes the session. The next start signs in anew."""
        self.session = Session()
        await self._kept()

    async def dc_id(self, value: Any = object) -> Any:
        return await self._field("dc_id", value)

    async def api_id(self, value: Any = object) -> Any:
        return await self._field("api_id", value)

    async def test_mode(self, value: Any = object) -> Any:
        return await self._field("test_mode", value)

    async def auth_key(self, value: Any = object) -> Any:
        return await self._field("auth_key", value)

    async def date(self, value: Any = object) -> Any:
        return await self._field("date", value)

    async def user_id(self, value: Any = object) -> Any:
        return await self._field("user_id", value)

    async def is_bot(self, value: Any = object) -> Any:
        return await self._field("is_bot", value)

    async def _field(self, name: str, value: Any) -> Any:
        """Reads or sets a field, as Pyrogram expects: without a value it reads, with one it sets."""
        if value is object:
            return getattr(self.session, name)
        setattr(self.session, name, value)
        await self._kept()
        return None

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
    box = Fernet(base64.urlsafe_b64encode(sha256(b"djangobot session\0" + secret.encode()).digest()))

    def seal(session: Session) -> str:
        return box.encrypt(msgspec.json.encode(session)).decode()

    async def keep(session: Session) -> None:
        await telegram_session.save(bot_id, seal(session), utc_now())

    sealed = await telegram_session.load(bot_id, seal(Session()), utc_now())
    try:
        session = msgspec.json.decode(box.decrypt(sealed.encode()), type=Session)
    except InvalidToken as exc:
        raise SessionLocked from exc
    return SessionStorage(session, keep)
