"""Buttons: those that stand under more than one kind of message."""

from functools import cache

from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened
from djangobot.bot.rendering.replies import say
from djangobot.bot.telegram.text import Button

MUTE_HOURS = (1, 8)


def full_button(language: str, which: str, number: int) -> Button:
    """The button that shows a message in full, unchanged."""
    return Button(say(language, "history-full", which=which), f"full:{number}")


def revoke_button(language: str, token_id: int, who: str) -> Button:
    """The button that revokes a token. Pressing it twice has the effect of once."""
    return Button(say(language, "tokens-revoke", who=shortened(who, BUTTON_LENGTH)), f"revoke:{token_id}")


def mute_buttons(language: str, verb: str, sender_id: int) -> list[list[Button]]:
    """Buttons for how long to mute. They are in short rows, because three in a row would break words under a
    short message."""
    *hours, tomorrow = [Button(words, f"{verb}:{sender_id}:{span}") for words, span in _mute_spans(language)]
    return [hours, [tomorrow]]


@cache
def _mute_spans(language: str) -> list[tuple[str, str]]:
    hours = [(say(language, "mute-hours", count=count), str(count)) for count in MUTE_HOURS]
    return [*hours, (say(language, "mute-tomorrow"), "tomorrow")]
