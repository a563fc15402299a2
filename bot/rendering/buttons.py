"""Buttons: those that stand under more than one kind of message."""

from functools import cache

from djangobot.bot.callback_data.buttons import AskRevokeToken, Mute, MuteHere, MuteSpan, ShowFull
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened
from djangobot.bot.rendering.replies import say
from djangobot.bot.telegram.text import Button


def full_button(language: str, which: str, number: int) -> Button:
    """The button that shows a message in full, unchanged."""
    return Button(say(language, "history-full", which=which), ShowFull(number).pack())


def revoke_button(language: str, token_id: int, who: str) -> Button:
    """The button that revokes a token, after a question."""
    label = say(language, "tokens-revoke", who=shortened(who, BUTTON_LENGTH))
    return Button(label, AskRevokeToken(token_id).pack())


def mute_buttons(language: str, kind: type[Mute] | type[MuteHere], sender_id: int) -> list[list[Button]]:
    """Buttons for how long to mute. They are in short rows, because three in a row would break words under a
    short message."""
    *hours, tomorrow = [Button(words, kind(sender_id, span).pack()) for words, span in _mute_spans(language)]
    return [hours, [tomorrow]]


@cache
def _mute_spans(language: str) -> list[tuple[str, MuteSpan]]:
    return [
        (say(language, "mute-hours", count=1), "1"),
        (say(language, "mute-hours", count=8), "8"),
        (say(language, "mute-tomorrow"), "tomorrow"),
    ]
