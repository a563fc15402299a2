"""What happened: counts for tests. Messages are counted from the world itself."""

from collections import Counter, deque
from typing import Any

from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.world import World

# The newest actions, like typing, that are kept. They are not stored. Our own choice.
MAX_ACTIONS = 100


class Journal:
    """Counters since the state folder was made. Changes are written with the state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._counts: dict[str, Counter[str]] = {
            name: Counter(counts) for name, counts in state.all("journal", dict[str, int])
        }
        self._actions: deque[dict[str, Any]] = deque(maxlen=MAX_ACTIONS)

    def note_action(self, sender: int, chat: int, action: str, progress: int | None) -> None:
        """What a side is doing: typing, uploading."""
        self._actions.append({"from": sender, "chat": chat, "action": action, "progress": progress})

    def count(self, kind: str, name: str) -> None:
        """One more `name` of a `kind`."""
        counter = self._counts.setdefault(kind, Counter())
        counter[name] += 1
        self._state.put("journal", kind, counter)

    def of(self, kind: str) -> dict[str, int]:
        """All counts of a kind."""
        return dict(self._counts.get(kind, {}))

    def as_json(self, world: World, bot: int | None) -> dict[str, Any]:
        """What GET /journal answers: of one bot's messages, or of every bot's when `bot` is None."""
        chats: dict[str, Any] = {}
        accepted = 0
        for (owner, person), _ in world.chats.items():
            if bot is not None and owner != bot:
                continue
            sent = [m for m in world.history(owner, person) if m.from_bot]
            accepted += len(sent)
            entry = chats.setdefault(str(person), {"random_ids": [], "messages": []})
            entry["random_ids"] += [m.random_id for m in sent]
            entry["messages"] += [
                {"id": m.id, "bot": m.bot, "random_id": m.random_id, "date": m.date, "text": m.text}
                for m in sent
            ]
        return {
            "methods": self.of("methods"),
            "accepted": accepted,
            "repeats": self.of("repeats").get("recognised", 0),
            "chats": chats,
            "actions": [noted for noted in self._actions if bot in (None, noted["from"])],
            "limits_broken": self.of("limits_broken"),
            "errors": self.of("errors"),
            "faults": self.of("faults"),
            "unknown_methods": self.of("unknown_methods"),
            "unknown_constructors": self.of("unknown_constructors"),
            "sign_ins": self.of("sign_ins"),
            "connections": self.of("connections"),
            "protocol": self.of("protocol"),
        }
