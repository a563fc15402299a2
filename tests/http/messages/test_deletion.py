"""DELETE /api/messages/{id}: what programs are answered, while a message waits and when it is in the chat."""

from datetime import UTC, datetime

import pytest

from djangobot.db.delivery import scheduled
from djangobot.db.messages import deletions

from ..conftest import Api, Json

AT_ONCE = {"prefer": "respond-async"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def sent(api: Api, token: str) -> str:
    """A message that is in the chat. Its id."""
    public_id: str = (await api.send(token)).json()["id"]
    await api.deliver()
    return public_id


async def carry_out(*, refused: bool = False) -> None:
    """Does what the bot does for each job, with this answer of Telegram's."""
    now = datetime.now(UTC)
    for job in await scheduled.due(now, 9):
        doomed = await deletions.doomed(job.message, now)
        assert doomed is not None
        await (deletions.give_up(doomed) if refused else deletions.record(doomed, now))
        await scheduled.done(job)


@pytest.mark.parametrize("more", [{}, {"delay": 60}])
async def test_a_message_that_waits_is_canceled(api: Api, more: Json) -> None:
    """At once, and whoever asks again hears the same."""
    token = await api.bot_token(await api.access())
    public_id = (await api.send(token, **more)).json()["id"]
    for _ in range(2):
        answer = await api.client.delete(f"/api/messages/{public_id}", headers=bearer(token))
        expected = {"answer": "message was canceled", "id": public_id, "status": "canceled"}
        assert (answer.status_code, answer.json()) == (200, expected)
    assert await api.deliver() == 0


async def test_a_message_in_the_chat_will_be_deleted_and_then_was(api: Api) -> None:
    """202 until Telegram has done it, 200 from then on. Its status stays, and lists say when it went."""
    access = await api.access()
    token = await api.bot_token(access)
    public_id = await sent(api, token)
    path = f"/api/messages/{public_id}"
    answer = await api.client.delete(path, headers={**bearer(token), **AT_ONCE})
    expected = {"answer": "message will be deleted", "id": public_id, "status": "sent"}
    assert (answer.status_code, answer.json()) == (202, expected)
    assert answer.headers["preference-applied"] == "respond-async"
    assert "deleted" not in (await api.client.get(path, headers=bearer(token))).json()
    await carry_out()
    answer = await api.client.delete(path, headers=bearer(token))
    expected = {"answer": "message was deleted", "id": public_id, "status": "sent"}
    assert (answer.status_code, answer.json()) == (200, expected)
    shown = (await api.client.get(path, headers=bearer(token))).json()
    (listed,) = await api.told(access)
    assert shown["deleted"] == listed["deleted"]
    assert (shown["status"], shown["text"]) == ("sent", "hello")


async def test_what_telegram_refuses_to_delete_is_409(api: Api) -> None:
    """And so is a message that was never in the chat; the sentence says how it ended."""
    token = await api.bot_token(await api.access())
    public_id = await sent(api, token)
    path = f"/api/messages/{public_id}"
    assert (await api.client.delete(path, headers={**bearer(token), **AT_ONCE})).status_code == 202
    await carry_out(refused=True)
    assert "deleted" not in (await api.client.get(path, headers=bearer(token))).json()
    failed = (await api.send(token)).json()["id"]
    await api.deliver(refused="deactivated")
    answer = await api.client.delete(f"/api/messages/{failed}", headers=bearer(token))
    assert (answer.status_code, answer.json()["answer"].endswith("it is failed.")) == (409, True)


async def test_only_the_holder_of_its_token_deletes_a_message(api: Api) -> None:
    """No token is 401, another one 404, and a query parameter 400: nothing happens to the message."""
    token = await api.bot_token(await api.access())
    other = await api.bot_token(await api.access("other"))
    path = f"/api/messages/{(await api.send(token)).json()['id']}"
    assert (await api.client.delete(path)).status_code == 401
    assert (await api.client.delete(path, headers=bearer("no token"))).status_code == 401
    assert (await api.client.delete(path, headers=bearer(other))).status_code == 404
    assert (await api.client.delete("/api/messages/7", headers=bearer(token))).status_code == 404
    assert (await api.client.delete(f"{path}?wait=1", headers=bearer(token))).status_code == 400
    assert (await api.client.get(path, headers=bearer(token))).json()["status"] == "queued"
