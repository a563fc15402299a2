"""The state of the bot in this process: it leads, stands by or is connecting."""

import asyncio

import structlog

from djangobot.bot.telegram.client import TelegramClient

log = structlog.get_logger(__name__)


class BotState:
    """Whether this process leads, and with which client."""

    def __init__(self) -> None:
        self.client: TelegramClient | None = None
        self.leading = asyncio.Event()
        self.standing_by = False

    def lead(self, client: TelegramClient) -> None:
        """Records that this process leads, with this client."""
        self.client = client
        self.standing_by = False
        self.leading.set()

    def stand_by(self) -> None:
        """Records that another process leads."""
        if not self.standing_by:
            log.info("standing by", reason="another process delivers")
        self.standing_by = True

    def resign(self) -> None:
        """Records that this process leads no more. Another process may lead now."""
        self.client = None
        self.leading.clear()

    @property
    def telegram(self) -> str:
        """The state as /health shows it."""
        if self.standing_by:
            return "standby"
        if self.client is None:
            return "connecting"
        return "connected" if self.client.online.is_set() and self.client.caught_up.is_set() else "connecting"
