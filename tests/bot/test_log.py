"""Logs: their level can be changed while loggers live, and what is dropped costs nothing."""

import logging

import pytest
import structlog

from djangobot.bot import log as logs
from djangobot.db.admin.log_level import LEVELS, Level


@pytest.fixture(autouse=True)
def _logs_as_before(logs_restored: None) -> None:
    """Each test sets up logging anew."""


@pytest.mark.parametrize("level", LEVELS)
def test_a_logger_that_was_used_obeys_the_level_of_now(
    level: Level, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is below it is not told, all else is."""
    logs.set_up("json")
    log = structlog.get_logger("used")
    log.error("first use")
    capsys.readouterr()
    logs.set_level(level)
    assert logs.level() == level
    for name in LEVELS:
        getattr(log, name)(f"at {name}", number=1)
    told = capsys.readouterr().err
    for name, number in logs.NUMBERS.items():
        assert (f"at {name}" in told) == (number >= logs.NUMBERS[level])


def test_an_exception_is_told_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the level is."""
    logs.set_up("json")
    logs.set_level("error")
    try:
        raise KeyError("lost")
    except KeyError:
        structlog.get_logger("any").exception("handler failed")
    told = capsys.readouterr().err
    assert "handler failed" in told
    assert "KeyError" in told


def test_libraries_are_never_debugged() -> None:
    """Theirs may hold a text or a secret."""
    logs.set_level("debug")
    assert logging.getLogger().level == logging.WARNING
    logs.set_level("error")
    assert logging.getLogger().level == logging.ERROR
