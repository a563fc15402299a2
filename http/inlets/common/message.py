"""A message of a foreign program, as its format's function makes it."""

import msgspec

from djangobot.db.messages.buttons import Button
from djangobot.db.messages.incidents import Update
from djangobot.db.messages.rich_text.formats import Format


class InletFile(msgspec.Struct, frozen=True):
    """A file of the message, whole."""

    name: str
    content: bytes
    mime: str = ""


class InletMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What a foreign program tells. Every field may be too long, or hold what Telegram does not take:
    `shorten.py` makes a message of it that can be read.

    `key` is the delivery's own id: what comes again under the same one is not sent again. `replace` names
    the message that changes. Both may be of any length. `incident` is for what begins and ends: its message
    changes until it is over, and then a short reply says `outcome` and after how long, with a sound if it is
    `loud`. `buttons` are laid out in rows later. `delay` is that of POST /api/send_message.
    """

    text: str = ""
    title: str = ""
    format: Format = "plain"
    tags: tuple[str, ...] = ()
    urgent: bool = False
    silent: bool = False
    preview: bool = False
    buttons: tuple[Button, ...] = ()
    files: tuple[InletFile, ...] = ()
    replace: str | None = None
    incident: Update | None = None
    outcome: str = "Over"
    loud: bool = False
    reply_to: str | None = None
    key: str | None = None
    delay: float | None = None
