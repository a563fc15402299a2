"""Presses: a person presses a button under a message, and its program learns of it. It is pressed once."""

from datetime import datetime

import msgspec

from djangobot.db.delivery.pubsub import changes
from djangobot.db.engine import Row, current
from djangobot.db.messages import content as contents
from djangobot.db.messages.buttons import Button
from djangobot.db.messages.content import Content


class Pressed(msgspec.Struct, frozen=True):
    """The button that was chosen, and when."""

    value: str
    text: str
    time: datetime


class Asked(msgspec.Struct, frozen=True):
    """A message with buttons, and what was chosen under it. `id` is the row's. `sender` is the number of an
    account, or of a token of the chat's own with a minus; 0 when neither is left."""

    id: int
    sender: int
    content: Content
    pressed: Pressed | None = None


class Press(msgspec.Struct, frozen=True):
    """A message that has been pressed. `first`: by this very press."""

    message: Asked
    pressed: Pressed
    first: bool


ASKED = """
SELECT m.id AS id, m.public_id AS public_id, COALESCE(m.account, -m.token, 0) AS sender, m.rich AS rich,
       m.pressed AS pressed
FROM message m WHERE m.id = $1 AND m.chat = $2
"""
# The database decides which of two presses at the same moment is the first. A token that was revoked or has
# expired can't ask, so nobody would learn of the press.
RECORD = """
UPDATE message SET pressed = $3
WHERE id = $1 AND chat = $2 AND pressed IS NULL AND EXISTS (
    SELECT 1 FROM bot_token t
    WHERE t.id = message.token AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $4))
RETURNING id
"""
_decoder = msgspec.json.Decoder(Pressed)


async def find(chat_id: int, message_id: int) -> Asked | None:
    """A message of this chat. None when it is gone."""
    rows = await current().fetch(ASKED, message_id, chat_id)
    return _asked(rows[0]) if rows else None


async def press(chat_id: int, message_id: int, number: int, now: datetime) -> Press | None:
    """Records that this button of a message was pressed, unless one was pressed before. `number` counts the
    message's buttons from 0, row by row.

    None when nobody can learn of it: the message is gone, or its token can't be used any more.
    """
    rows = await current().fetch(ASKED, message_id, chat_id)
    if not rows:
        return None
    message = _asked(rows[0])
    if message.pressed is not None:
        return Press(message, message.pressed, first=False)
    button = _button(message.content, number)
    if button is None or button.value is None:
        return None
    pressed = Pressed(button.value, button.text, now)
    if await current().execute(RECORD, message_id, chat_id, msgspec.json.encode(pressed).decode(), now):
        changes.notify(str(rows[0]["public_id"]))
        return Press(msgspec.structs.replace(message, pressed=pressed), pressed, first=True)
    again = await find(chat_id, message_id)
    if again is None or again.pressed is None:
        return None
    return Press(again, again.pressed, first=False)


def decode(stored: str | None) -> Pressed | None:
    """The press that was stored with a message."""
    return None if stored is None else _decoder.decode(stored)


def _asked(row: Row) -> Asked:
    return Asked(row["id"], row["sender"], contents.decode(row["rich"]), decode(row["pressed"]))


def _button(content: Content, number: int) -> Button | None:
    buttons = [button for row in content.buttons for button in row]
    return buttons[number] if 0 <= number < len(buttons) else None
