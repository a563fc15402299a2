"""The library that speaks with Telegram: Pyrogram, or kurigram, a fork of it with the same import name. What
differs between them and concerns us is here.
"""

import inspect
import io
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from pyrogram import raw
from pyrogram.errors import rpc_error
from pyrogram.raw.all import layer as LAYER
from pyrogram.session import Session

from djangobot.bot.telegram.server import address_of
from djangobot.bot.telegram.text import Button

NAMES = ("pyrogram", "kurigram")
FORK: bool = "server_address" in inspect.signature(Session.__init__).parameters
"""Whether it is kurigram."""
COLLAPSED: dict[str, Any] = {"collapsed": True} if FORK else {}
"""The argument of a quotation that opens with a tap. Pyrogram speaks layer 158, which has none."""


class _Nowhere:
    """A file that keeps nothing."""

    def __init__(self, *_: object) -> None:
        pass

    def open(self, *_: object, **__: object) -> io.StringIO:
        return io.StringIO()


# Both append errors they do not know to unknown_errors.txt in the working directory; we log them ourselves.
setattr(rpc_error, "open", _Nowhere().open)  # noqa: B010
setattr(rpc_error, "Path", _Nowhere)  # noqa: B010


def placed(dc_id: int, *rest: object) -> list[Any]:
    """The arguments by which the library is told a data centre, and those after them. Kurigram wants the
    address, too."""
    return [dc_id, *(address_of(dc_id) if FORK else ()), *rest]


def described() -> str:
    """Which library this is, and which layer of Telegram's schema it speaks."""
    name = NAMES[FORK]
    return f"{name} {metadata.version(name)}, layer {LAYER}"


def reply_to(message_id: int | None) -> dict[str, Any]:
    """The argument of a send that answers this message of the chat."""
    if message_id is None:
        return {}
    if not FORK:
        return {"reply_to_msg_id": message_id}
    types: Any = raw.types
    return {"reply_to": types.InputReplyToMessage(reply_to_msg_id=message_id)}


def inline_keyboard(rows: Sequence[Sequence[Button]]) -> Any:
    """Buttons under a message, row by row."""
    types: Any = raw.types
    row = types.KeyboardInlineButtonRow if FORK else types.KeyboardButtonRow
    return types.ReplyInlineMarkup(
        rows=[row(buttons=[_button(types, button) for button in buttons]) for buttons in rows]
    )


def _button(types: Any, button: Button) -> Any:
    text, data = button.text, button.data.encode()
    if not FORK:
        if button.url:
            return types.KeyboardButtonUrl(text=text, url=button.url)
        return types.KeyboardButtonCallback(text=text, data=data)
    opens = types.InlineButtonTypeUrl(url=button.url) if button.url else None
    return types.KeyboardInlineButton(text=text, type=opens or types.InlineButtonTypeCallback(data=data))
