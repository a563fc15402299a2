"""What is in doubt for too long is not sent again unasked."""

from datetime import UTC, datetime, timedelta

from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.db.delivery.uncertain import SAFE_TO_REPEAT
from djangobot.db.engine import current
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.new_message import NewMessage

from .conftest import Running, chat_of


async def test_a_message_first_tried_too_long_ago_is_never_repeated_blindly(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Nobody knows how long Telegram remembers a random_id: it becomes uncertain, an admin decides."""
    long_ago = datetime.now(UTC) - SAFE_TO_REPEAT - timedelta(minutes=1)
    accepted = await acceptance.accept(token, NewMessage("old"), datetime.now(UTC))
    await current().execute(
        "UPDATE message SET first_attempt = $1, attempts = 1 WHERE kind = 'message'", long_ago
    )
    async with Running(client):
        after = await acceptance.accept(token, NewMessage("new", wait=PATIENCE), datetime.now(UTC))
    assert after.status == "sent"
    assert (await messages.of_token(accepted.id, token, datetime.now(UTC))).status == "uncertain"
    _, said = await chat_of(sandbox)
    assert "Fedor\nold" not in said
    assert "Fedor\nnew" in said
