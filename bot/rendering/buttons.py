"""Buttons: those that stand under more than one kind of message."""

from collections.abc import Callable
from functools import cache

from djangobot.bot.callback_data.buttons import (
    AskRevokeToken,
    CallbackData,
    Mute,
    MuteHere,
    MuteSpan,
    ShowFull,
    UnmuteHere,
)
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened
from djangobot.bot.rendering.replies import say
from djangobot.bot.telegram.text import Button


def full_button(language: str, which: str, number: int, *, with_files: bool = False) -> Button:
    """The button that shows a message in full, unchanged, and with its files if the chat has them."""
    label = say(language, "history-files" if with_files else "history-full", which=which)
    return Button(label, ShowFull(number).pack())


def revoke_button(language: str, token_id: int, who: str) -> Button:
    """The button that revokes a token, after a question."""
    label = say(language, "tokens-revoke", who=shortened(who, BUTTON_LENGTH))
    return Button(label, AskRevokeToken(token_id).pack())


def mute_buttons(language: str, sender_id: int) -> list[list[Button]]:
    """Buttons for how long to mute a sender of the list."""
    return _mute_buttons(language, lambda span: Mute(sender_id, span))


def mute_here_buttons(language: str, sender_id: int, message_id: int = 0) -> list[list[Button]]:
    """The same below a message. `message_id` is its row, when it has buttons of its program."""
    return _mute_buttons(language, lambda span: MuteHere(sender_id, span, message_id))


def unmute_here_button(language: str, sender_id: int, message_id: int = 0) -> Button:
    """The button that ends a mute, below the message where it began."""
    return Button(say(language, "mute-end"), UnmuteHere(sender_id, message_id).pack())


def _mute_buttons(language: str, data: Callable[[MuteSpan], CallbackData]) -> list[list[Button]]:
    """Short rows, because three buttons in a row would break words under a short message."""
    *hours, tomorrow = [Button(words, data(span).pack()) for words, span in _mute_spans(language)]
    return [hours, [tomorrow]]


@cache
def _mute_spans(language: str) -> list[tuple[str, MuteSpan]]:
    return [
        (say(language, "mute-hours", count=1), "1"),
        (say(language, "mute-hours", count=8), "8"),
        (say(language, "mute-tomorrow"), "tomorrow"),
    ]
