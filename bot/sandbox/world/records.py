"""What is stored of the world: users, files, messages, chats and events."""

from typing import Any

import msgspec

TL = dict[str, Any]


class User(msgspec.Struct, kw_only=True):
    """A person or a bot."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language: str = ""
    phone: str = ""
    bot: bool = False
    deleted: bool = False
    about: str = ""
    description: str = ""


class File(msgspec.Struct, kw_only=True):
    """A stored file; its bytes are with `world.files`."""

    id: int
    name: str
    mime: str
    size: int
    part_size: int
    """Bytes of each part but the last."""
    kind: str
    """photo, document, video, video_note, animation, audio, voice, sticker."""
    date: int
    width: int = 0
    height: int = 0
    duration: float = 0
    """Seconds of a video, an audio or a voice message."""
    title: str = ""
    performer: str = ""
    attributes: list[TL] = []


class Extras(msgspec.Struct, kw_only=True):
    """What few messages have."""

    attached: TL | None = None
    """A contact, a location or a venue: its `kind` and fields."""
    forwarded: TL | None = None
    """Who wrote it first: `person`, an account's id or 0; `name`; `date`."""
    pinned: bool = False
    reactions: dict[int, str] = {}
    """The emoji of each account that has reacted."""


class Message(msgspec.Struct, kw_only=True, gc=False):
    """One message of a private chat between a bot and a person.

    A sandbox may hold a million of them. Nothing in a message refers back to one, so the garbage collector
    need not look at them. Otherwise each full collection would stop everything for a quarter of a second.
    """

    bot: int
    person: int
    id: int
    """The id on the bot's side."""
    person_side_id: int
    from_bot: bool
    date: int
    text: str
    entities: tuple[TL, ...] = ()
    markup: TL | None = None
    file: int | None = None
    reply_to: int | None = None
    """The bot's side id of the message this one answers."""
    random_id: int = 0
    edited: int = 0
    deleted: bool = False
    silent: bool = False
    no_preview: bool = False
    """Whether the sender wants no preview of the text's first link."""
    spoiler: bool = False
    """Whether the file is hidden until somebody taps on it."""
    grouped: int = 0
    """The same for all messages of an album; 0 for others."""
    extras: Extras | None = None
    pts: int = 0
    person_side_pts: int = 0

    @property
    def sides(self) -> tuple[int, int]:
        """(who sent it, who received it)."""
        return (self.bot, self.person) if self.from_bot else (self.person, self.bot)

    def id_for(self, viewer: int) -> int:
        """The id on the viewer's side."""
        return self.id if viewer == self.bot else self.person_side_id

    def pts_for(self, viewer: int) -> int:
        """The pts with which the message came into the viewer's box."""
        return self.pts if viewer == self.bot else self.person_side_pts


class Chat(msgspec.Struct, kw_only=True):
    """A private chat: whether the person has started or blocked the bot, and what each side has read."""

    bot: int
    person: int
    started: bool = False
    blocked: bool = False
    read_by_person: int = 0
    read_by_bot: int = 0


class Event(msgspec.Struct, kw_only=True, gc=False):
    """A change of a box: updates.getDifference lists it, and it is pushed. There are as many as messages."""

    kind: str
    """new, edit, delete, read_inbox, pin (these move pts); stopped, reaction (move qts); callback, typing,
    reactions."""
    pts: int = 0
    count: int = 0
    bot: int = 0
    message: int = 0
    ids: tuple[int, ...] = ()
    person: int = 0
    date: int = 0
    stopped: bool = False
    query: int = 0
    data: bytes = b""
    qts: int = 0
    action: str = ""
    progress: int | None = None
    fields: TL | None = None
    """What else an action, a pin or a reaction says."""


def new_message(message: Message, owner: int) -> Event:
    """The event of a new message in the owner's box."""
    return Event(kind="new", pts=message.pts_for(owner), count=1, bot=message.bot, message=message.id)
