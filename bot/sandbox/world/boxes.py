"""Message boxes: every account has one, and its message ids and pts run through all its chats.

Source: core.telegram.org/api/updates. A message has two ids, one on each side; the JSON API uses the bot's.
"""

import bisect

from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.world.records import Event, Message, new_message


class Numbers:
    """One object for each number from 0 on. All boxes count from 1: a million messages hold far fewer."""

    def __init__(self) -> None:
        self._known = [0]

    def shared(self, number: int) -> int:
        """The number; the object that others hold, too, unless it is far above all that were asked for."""
        known = self._known
        if number == len(known):
            known.append(number)
        return known[number] if 0 <= number < len(known) else number


class Numbered:
    """The messages of a box by their ids, which follow one another from 1 on."""

    def __init__(self) -> None:
        self._messages: list[Message | None] = []

    def add(self, number: int, message: Message) -> None:
        """Puts a message at its id."""
        missing = number - len(self._messages)
        if missing > 0:
            self._messages += [None] * missing
        self._messages[number - 1] = message

    def get(self, number: int) -> Message | None:
        """The message with this id."""
        return self._messages[number - 1] if 0 < number <= len(self._messages) else None

    def __getitem__(self, number: int) -> Message:
        message = self.get(number)
        if message is None:
            raise KeyError(number)
        return message

    def __contains__(self, number: int) -> bool:
        return self.get(number) is not None

    def __len__(self) -> int:
        return len(self._messages)


class Box:
    """An account's message box."""

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.last_id = 0
        self.pts = 1
        self.qts = 1
        self.messages = Numbered()
        self._log: list[Message | Event] = []
        """What has moved the pts: new messages themselves, because they are most of it, and other events."""

    def append(self, moved: Message | Event) -> None:
        """Adds what has moved the pts last."""
        self._log.append(moved)

    def since(self, pts: int, limit: int) -> list[Event]:
        """The events after `pts`, oldest first, at most so many."""
        start = bisect.bisect_right(self._log, pts, key=self._pts_of)
        return [self._event_of(moved) for moved in self._log[start : start + limit]]

    def newest(self) -> Event:
        """The last event."""
        return self._event_of(self._log[-1])

    def sort(self) -> None:
        """Puts the log in order and finds the last numbers, after everything was loaded."""
        self._log.sort(key=self._pts_of)
        self.last_id = len(self.messages)
        self.pts = self._pts_of(self._log[-1]) if self._log else 1

    def _pts_of(self, moved: Message | Event) -> int:
        return moved.pts_for(self.owner) if isinstance(moved, Message) else moved.pts

    def _event_of(self, moved: Message | Event) -> Event:
        return new_message(moved, self.owner) if isinstance(moved, Message) else moved


class Boxes:
    """All boxes, and the events of bots that have a counter of their own (qts): blocks and reactions."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._boxes: dict[int, Box] = {}
        self._by_qts: dict[int, list[Event]] = {}

    def of(self, owner: int) -> Box:
        """An account's box."""
        box = self._boxes.get(owner)
        if box is None:
            box = self._boxes[owner] = Box(owner)
        return box

    def place(self, message: Message) -> None:
        """Puts a message, with the ids and pts it has, into the boxes of both sides."""
        for owner in (message.bot, message.person):
            box = self.of(owner)
            box.messages.add(message.id_for(owner), message)
            box.append(message)

    def log(self, owner: int, event: Event) -> Event:
        """Adds an event to a box and gives it its pts."""
        box = self.of(owner)
        box.pts += event.count
        event.pts = box.pts
        box.append(event)
        self._state.put("event", f"{owner}/{event.pts}", (owner, event))
        return event

    def log_by_qts(self, bot: int, event: Event) -> None:
        """Keeps a block or a reaction, and gives it its qts."""
        box = self.of(bot)
        box.qts += 1
        event.qts = box.qts
        self._state.put("by_qts", f"{bot}/{box.qts}", event)
        self._by_qts.setdefault(bot, []).append(event)

    def since_qts(self, bot: int, qts: int) -> list[Event]:
        """The blocks and reactions after this qts."""
        return [event for event in self._by_qts.get(bot, []) if event.qts > qts]

    def load(self, messages: list[Message]) -> None:
        """Fills the boxes with these messages and with the stored events."""
        for message in messages:
            self.place(message)
        for _, (owner, event) in self._state.all("event", tuple[int, Event]):
            self.of(owner).append(event)
        for key, event in self._state.all("by_qts", Event):
            self._by_qts.setdefault(int(key.split("/")[0]), []).append(event)
        for bot, events in self._by_qts.items():
            events.sort(key=lambda event: event.qts)
            self.of(bot).qts = events[-1].qts
        for box in self._boxes.values():
            box.sort()
