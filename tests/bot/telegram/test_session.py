"""The session with Telegram, as it lies in the database."""

import pytest

from djangobot.bot.telegram.session import KIND, Session, SessionLocked, open_session
from djangobot.db import credentials
from djangobot.db.clock import utc_now
from djangobot.db.engine import current
from djangobot.db.telegram import session as telegram_session

KEY = bytes(range(256))


pytestmark = pytest.mark.usefixtures("database")


async def test_what_was_kept_is_there_for_the_next_process() -> None:
    """Each change, at once: nobody knows when the process is killed. One bot does not see another's."""
    storage = await open_session(1, "secret" * 6)
    assert storage.session == Session()
    await storage.change(auth_key=KEY)
    await storage.change(user_id=7)
    assert (await open_session(1, "secret" * 6)).session == Session(auth_key=KEY, user_id=7)
    assert (await open_session(2, "secret" * 6)).session == Session()
    await storage.delete()
    assert (await open_session(1, "secret" * 6)).session == Session()


async def test_what_an_earlier_version_has_stored_goes_on() -> None:
    """It knew more fields; nobody signs in anew."""
    stored = b'{"dc_id":2,"api_id":1,"test_mode":false,"auth_key":"AAAA","date":0,"user_id":7,"is_bot":true}'
    await open_session(1, "secret" * 6)
    await telegram_session.save(1, credentials.seal(stored, "secret" * 6, KIND), utc_now())
    storage = await open_session(1, "secret" * 6)
    assert storage.session == Session(dc_id=2, api_id=1, auth_key=bytes(3), user_id=7)


async def test_it_is_sealed() -> None:
    """The key is nowhere in the row, and another secret opens nothing, not even an empty session."""
    storage = await open_session(1, "secret" * 6)
    with pytest.raises(SessionLocked):
        await open_session(1, "Secret" * 6)
    await storage.change(auth_key=KEY)
    (row,) = await current().fetch("SELECT * FROM telegram_session")
    assert KEY[:16].hex() not in row["sealed"]
    assert "auth_key" not in row["sealed"]
    with pytest.raises(SessionLocked):
        await open_session(1, "Secret" * 6)
