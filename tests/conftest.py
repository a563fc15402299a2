"""Fixtures every room's tests may use."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from djangobot.bot.sandbox.testing import SandboxProcess


@pytest.fixture
def sandbox_factory(tmp_path: Path) -> Iterator[Callable[..., SandboxProcess]]:
    """Starts sandboxes, each a process with a state folder of its own; all are stopped with the test.

    `sandbox_factory("--strict-limits")` passes options on; `state=` names the folder.
    """
    started: list[SandboxProcess] = []

    def start(*options: str, state: Path | None = None, port: int = 0, web_port: int = 0) -> SandboxProcess:
        folder = state or tmp_path / f"sandbox-{len(started)}"
        process = SandboxProcess(folder, *options, port=port, web_port=web_port)
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def sandbox(sandbox_factory: Callable[..., SandboxProcess]) -> SandboxProcess:
    """A fresh sandbox on free ports."""
    return sandbox_factory()
