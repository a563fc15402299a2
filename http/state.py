"""What the whole HTTP API shares: its configuration, and how the handlers find it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from litestar.types import Scope

from djangobot.db.programs.accounts import Registration
from djangobot.http.access_tokens import Signer
from djangobot.http.cache import Cached
from djangobot.http.limits.limits import Limits


@dataclass(frozen=True)
class Config:
    """The configuration of the HTTP API, set by the process."""

    jwt_secret: str = field(repr=False)
    version: str
    telegram: Callable[[], str]
    """The bot's connection now: "connected", "connecting", "standby" or "off", as in `Health`."""
    send_wait: float = 5.0
    """Seconds POST /api/send_message waits for Telegram when the caller does not say otherwise."""
    public_url: str = ""
    """Where programs reach the API, when a proxy stands before it."""
    limit_send: int = 0
    """Messages accepted a minute per bot token; 0: no limit."""
    registration: Registration = "open"
    session_key: str = field(default="", repr=False)
    """Seals what the database keeps of secrets."""
    inlets: tuple[str, ...] = ("hook", "gotify", "ntfy")
    """The calls for programs that speak something else (http/inlets/table.py)."""


@dataclass(frozen=True)
class AppState:
    """The state that the handlers share: one per application."""

    config: Config
    limits: Limits
    signer: Signer
    metrics: Cached[bytes] = field(default_factory=lambda: Cached(1.0))
    """The answer of /metrics, valid for a second. So frequent callers do not keep the database busy."""


def state_of(scope: Scope) -> AppState:
    app: Any = scope["litestar_app"]
    state: AppState = app.shared
    return state
