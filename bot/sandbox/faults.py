"""Faults: what a test asks the sandbox to do wrong, how often, and for which calls."""

from typing import Any, Literal

import msgspec

Kind = Literal[
    "flood_wait",
    "error",
    "delay",
    "cut_before",
    "cut_after",
    "drop_answer",
    "refuse_connections",
    "forget_parts",
]


class FaultOrder(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /faults."""

    kind: Kind
    method: str = "*"
    """Telegram's spelling (`messages.sendMessage`), any case; "*" is every method."""
    value: int | float | str | None = None
    """flood_wait, delay: seconds. error: "USER_IS_BLOCKED" or "403 USER_IS_BLOCKED".
    cut_after: "keep_answer" to have the answer re-sent after the reconnect.
    forget_parts: the number of the part to forget, or null for all."""
    times: int | None = 1
    """How often; null: until the faults are cleared."""
    chat: int | None = None
    """Only for calls that concern this person."""


class Fault(msgspec.Struct, kw_only=True):
    """One ordered fault with what is left of it."""

    id: int
    kind: Kind
    method: str
    value: int | float | str | None
    times: int | None
    chat: int | None
    used: int = 0


# Seconds: a week. A longer wait is a mistake.
MAX_SECONDS = 7 * 86400

# The codes of errors that a test may name without one (core.telegram.org/api/errors). All others have 400.
_CODES = {
    "USER_IS_BLOCKED": 403,
    "CHAT_WRITE_FORBIDDEN": 403,
    "MESSAGE_AUTHOR_REQUIRED": 403,
    "MESSAGE_DELETE_FORBIDDEN": 403,
    "AUTH_KEY_UNREGISTERED": 401,
    "SESSION_REVOKED": 401,
    "USER_DEACTIVATED": 401,
    "AUTH_KEY_DUPLICATED": 406,
    "RANDOM_ID_DUPLICATE": 500,
    "INTERNAL_SERVER_ERROR": 500,
    "RPC_CALL_FAIL": 500,
    "WORKER_BUSY_TOO_LONG_RETRY": 500,
    "TIMEOUT": 503,
}


def error_of(value: object) -> tuple[int, str]:
    """Code and name of an ordered error."""
    code, _, name = str(value).strip().rpartition(" ")
    if code.lstrip("-").isdigit():
        return int(code), name
    name = name or str(value)
    if name.startswith(("FLOOD_WAIT_", "SLOWMODE_WAIT_", "FLOOD_PREMIUM_WAIT_")):
        return 420, name
    return _CODES.get(name, 400), name


def _check(order: FaultOrder) -> None:
    """ValueError says what is wrong with the order."""
    if order.times is not None and order.times < 1:
        raise ValueError("times must be at least 1, or null for always")
    if order.kind in ("flood_wait", "delay") and (
        not isinstance(order.value, int | float) or isinstance(order.value, bool) or order.value < 0
    ):
        raise ValueError(f"{order.kind} needs a value: seconds")
    if order.kind in ("flood_wait", "delay") and float(order.value or 0) > MAX_SECONDS:
        raise ValueError(f"{order.kind}: a value of more than {MAX_SECONDS} seconds")
    if order.kind == "error" and not (isinstance(order.value, str) and order.value.strip()):
        raise ValueError(
            'error needs a value: the error\'s name, like "USER_IS_BLOCKED" or "403 USER_IS_BLOCKED"'
        )
    if order.kind == "cut_after" and order.value not in (None, "keep_answer"):
        raise ValueError('cut_after takes no value but "keep_answer"')
    if order.kind in ("cut_before", "drop_answer", "refuse_connections") and order.value is not None:
        raise ValueError(f"{order.kind} takes no value")
    if order.kind == "refuse_connections" and (order.method != "*" or order.chat is not None):
        raise ValueError("refuse_connections concerns neither a method nor a chat")
    if order.kind == "forget_parts" and (
        isinstance(order.value, bool) or not isinstance(order.value, int | None)
    ):
        raise ValueError("forget_parts takes the number of a part, or null for all")


class Faults:
    """The ordered faults, in the order they were ordered."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next = 1

    def order(self, order: FaultOrder) -> Fault:
        """Adds a fault; ValueError says what is wrong with the order."""
        _check(order)
        fault = Fault(
            id=self._next,
            kind=order.kind,
            method=order.method,
            value=order.value,
            times=order.times,
            chat=order.chat,
        )
        self._next += 1
        self._faults.append(fault)
        return fault

    def use(self, method: str, chat: int | None) -> Fault | None:
        """The first fault that concerns this call, counted as used."""
        for fault in self._faults:
            if fault.kind == "refuse_connections":
                continue
            if fault.method != "*" and fault.method.lower() != method.lower():
                continue
            if fault.chat is None or fault.chat == chat:
                return self._use(fault)
        return None

    def refuse_connection(self) -> bool:
        """Whether a new connection must be refused."""
        fault = next((fault for fault in self._faults if fault.kind == "refuse_connections"), None)
        return fault is not None and self._use(fault) is not None

    def left(self) -> list[Fault]:
        """The faults not yet used up."""
        return list(self._faults)

    def clear(self) -> int:
        """Forgets all; returns how many there were."""
        count = len(self._faults)
        self._faults.clear()
        return count

    def _use(self, fault: Fault) -> Fault:
        fault.used += 1
        if fault.times is not None:
            fault.times -= 1
            if not fault.times:
                self._faults.remove(fault)
        return fault

    def as_json(self) -> list[dict[str, Any]]:
        """What GET /faults answers."""
        return [msgspec.to_builtins(fault) for fault in self._faults]
