"""Logs: events with fields, for people on a terminal or as JSON for machines. They never contain a secret or
a message's text."""

import logging
import sys
from typing import Any

import structlog

from djangobot.db.admin.log_level import DEFAULT, Level

log = structlog.get_logger(__name__)

NUMBERS: dict[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_least = NUMBERS[DEFAULT]
"""Read at each event. Loggers are cached, so no level may be bound into them."""


class Logger(structlog.BoundLoggerBase):
    """Drops events below the present level before any work is done on them."""

    def debug(self, event: str, **fields: Any) -> None:
        if _least <= logging.DEBUG:
            self._proxy_to_logger("debug", event, **fields)

    def info(self, event: str, **fields: Any) -> None:
        if _least <= logging.INFO:
            self._proxy_to_logger("info", event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        if _least <= logging.WARNING:
            self._proxy_to_logger("warning", event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        self._proxy_to_logger("error", event, **fields)

    def exception(self, event: str, **fields: Any) -> None:
        """Logs an error with the exception that is being handled."""
        self.error(event, **{"exc_info": True, **fields})


def level() -> Level:
    """The present level of this process."""
    return next(name for name, number in NUMBERS.items() if number == _least)


def set_level(name: Level) -> None:
    """Sets the level from the next event on. Debug output of libraries stays off, because it may contain a
    secret or a text."""
    global _least
    _least = NUMBERS[name]
    logging.getLogger().setLevel(max(_least, logging.WARNING))


def change_level(name: Level) -> None:
    """Sets the level, and logs the change if it is one."""
    if name != level():
        log.warning("log level changed", before=level(), after=name)
        set_level(name)


def set_up(log_format: str) -> None:
    """Sets up logging to stderr. `log_format` is console or json."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format == "json":
        last: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,  # rich's would show every variable's value
            )
        ]
    structlog.configure(
        processors=shared + last,
        wrapper_class=Logger,
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
