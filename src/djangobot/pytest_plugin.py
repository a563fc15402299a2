"""For pytest: a Telegram on loopback as the fixture `telegram` (docs/sandbox.md)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # every run of pytest loads this file, and few need the sandbox
    from djangobot.bot.sandbox.testing import SandboxProcess


@pytest.fixture(scope="session")
def telegram_process(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SandboxProcess]":
    """A sandbox in a process of its own, for the whole run."""
    from djangobot.bot.sandbox.testing import SandboxProcess

    process = SandboxProcess(tmp_path_factory.mktemp("telegram"))
    yield process
    process.stop()


@pytest.fixture
def telegram(telegram_process: "SandboxProcess") -> "Iterator[SandboxProcess]":
    """The sandbox, with the settings of its start and without faults. People and messages of other tests
    stay in it: each test makes people of its own."""
    before = telegram_process.request_now("GET", "/settings")
    yield telegram_process
    telegram_process.request_now("DELETE", "/faults")
    telegram_process.request_now("POST", "/settings", before)
