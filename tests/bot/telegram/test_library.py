"""The library that speaks with Telegram, and what happens when Telegram finds it too old."""

import msgspec
import pytest

from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.settings import Settings, load
from djangobot.bot.telegram import library
from djangobot.bot.telegram.server import address_of, use_server
from djangobot.bot.telegram.sign_in import SignInFailed, try_sign_in


@pytest.fixture
def settings(shared_sandbox: SandboxProcess) -> Settings:
    """Those of a bot in the sandbox."""
    use_server(shared_sandbox.host, shared_sandbox.port, shared_sandbox.key)
    return msgspec.structs.replace(load({"DJANGOBOT_API_ID": "1"}), api_hash="sandbox", bot_token="1:sandbox")


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("help.getConfig", "400 CONNECTION_LAYER_INVALID"),
        ("auth.importBotAuthorization", "406 UPDATE_APP_TO_LOGIN"),
    ],
)
async def test_a_layer_that_telegram_does_not_take_is_a_sentence(
    method: str, error: str, settings: Settings, shared_sandbox: SandboxProcess
) -> None:
    """At once. It names the library and the page that says how to change it, whichever way Telegram says
    it."""
    await shared_sandbox.fault("error", method, value=error, times=1000)
    with pytest.raises(SignInFailed) as said:
        await try_sign_in(settings, PATIENCE)
    assert error.split()[1] in str(said.value)
    assert library.described() in str(said.value)
    assert "docs/telegram.md" in str(said.value)


async def test_another_server_takes_every_connection(
    settings: Settings, shared_sandbox: SandboxProcess
) -> None:
    """Whatever a library knows of Telegram's own servers: a sandbox's bot never meets them."""
    assert {address_of(number) for number in (1, 2, 5, 99)} == {(shared_sandbox.host, shared_sandbox.port)}
    assert await try_sign_in(settings, PATIENCE) == "sandbox_1_bot"
