"""Program buttons: the buttons that a program puts under its message, and what they become when one is
pressed.

Once one is pressed, all that give a value back become one line, in the place of the first of them. Those that
open an address stay.
"""

from datetime import tzinfo
from itertools import count

from djangobot.bot.callback_data.buttons import Below, PressButton, ShowPressed
from djangobot.bot.rendering.buttons import mute_here_buttons, unmute_here_button
from djangobot.bot.telegram.text import Button
from djangobot.db.messages.presses import Asked, Pressed

Rows = tuple[tuple[Button, ...], ...]


def chosen(pressed: Pressed, zone: tzinfo) -> str:
    """What was chosen, and when on the person's clock: `✓ Restart · 14:02`."""
    return f"✓ {pressed.text} · {pressed.time.astimezone(zone):%H:%M}"


def asking_rows(language: str, message: Asked, below: Below = "") -> Rows:
    """The buttons before one is pressed, and those to mute the sender below them."""
    numbers = count()
    rows = [
        tuple(
            Button(button.text, url=button.url)
            if button.url is not None
            else Button(button.text, PressButton(message.id, number, below).pack())
            for button, number in zip(row, numbers, strict=False)
        )
        for row in message.content.buttons
    ]
    return (*rows, *_rows_below(language, message, below))


def pressed_rows(language: str, message: Asked, pressed: Pressed, zone: tzinfo, below: Below = "") -> Rows:
    """The buttons after one was pressed."""
    line = (Button(chosen(pressed, zone), ShowPressed(message.id).pack()),)
    rows: list[tuple[Button, ...]] = []
    for row in message.content.buttons:
        if line not in rows and any(button.value is not None for button in row):
            rows.append(line)
        if links := tuple(Button(button.text, url=button.url) for button in row if button.url is not None):
            rows.append(links)
    return (*rows, *_rows_below(language, message, below))


def rows_of(language: str, message: Asked, zone: tzinfo, below: Below = "") -> Rows:
    """The buttons as they are now."""
    if message.pressed is None:
        return asking_rows(language, message, below)
    return pressed_rows(language, message, message.pressed, zone, below)


def _rows_below(language: str, message: Asked, below: Below) -> Rows:
    if not below or not message.sender:
        return ()
    own = message.id if message.content.buttons else 0
    if below == "unmute":
        return ((unmute_here_button(language, message.sender, own),),)
    return tuple(tuple(row) for row in mute_here_buttons(language, message.sender, own))
