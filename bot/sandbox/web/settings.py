"""GET and POST /settings."""

from typing import Any

import msgspec

from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.settings import Settings
from djangobot.bot.sandbox.web.errors import Problem
from djangobot.bot.sandbox.web.requests import SettingsChange


def change(telegram: TelegramServer, wanted: SettingsChange) -> dict[str, Any]:
    """Changes the settings named; returns all of them."""
    current = msgspec.to_builtins(telegram.settings)
    try:
        changed = msgspec.convert({**current, **msgspec.to_builtins(wanted)}, Settings)
    except msgspec.ValidationError as exc:
        raise Problem(400, str(exc)) from exc
    for name in current:
        setattr(telegram.settings, name, getattr(changed, name))
    telegram.limits.strict = changed.strict_limits
    telegram.world.clock_shift = changed.clock_shift
    return shown(telegram)


def shown(telegram: TelegramServer) -> dict[str, Any]:
    """All settings."""
    result: dict[str, Any] = msgspec.to_builtins(telegram.settings)
    return result
