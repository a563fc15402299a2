"""Message boxes: every account has one, and its message ids and pts run through all its chats.

Source: core.telegram.org/api/updates. A message has two ids, one on each side; the JSON API uses the bot's.
"""

import bisect

from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.world.records import Event, Message, new_message


class Box:
    """An account's message box."""

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.last_id = 0
        self.pts = 1
        self.qts = 1
        self.log: list[Event] = []
        self.messages: dict[int, Message] = {}

    def since(self, pts: int) -> list[Event]:
        """The events after `pts`, oldest first."""
        return self.log[bisect.bisect_right(self.log, pts, key=lambda event: event.pts) :]

    def sort(self) -> None:
        """Puts the log in order and finds the last numbers, after everything was loaded."""
        self.log.sort(key=lambda event: event.pts)
        self.last_id = max(self.messages, default=0)
        self.pts = self.log[-1].pts if self.log else 1


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
            box.messages[message.id_for(owner)] = message
            box.log.append(new_message(message, owner))

    def log(self, owner: int, event: Event) -> Event:
        """Adds an event to a box and gives it its pts."""
        box = self.of(owner)
        box.pts += event.count
        event.pts = box.pts
        box.log.append(event)
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
            self.of(owner).log.append(event)
        for key, event in self._state.all("by_qts", Event):
            self._by_qts.setdefault(int(key.split("/")[0]), []).append(event)
        for bot, events in self._by_qts.items():
            events.sort(key=lambda event: event.qts)
            self.of(bot).qts = events[-1].qts
        for box in self._boxes.values():
            box.sort()
