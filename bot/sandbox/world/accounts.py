"""Accounts: people and bots, their names, and the access hashes that name them."""

import hashlib
import os

from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.world.records import User

# Ids of people begin here; a person's id may also be chosen freely.
FIRST_PERSON = 1001


class Refused(Exception):
    """This cannot be done in this world; the text says why."""


class Accounts:
    """Everyone there is."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.users = {user.id: user for _, user in state.all("user", User)}
        self.bots = dict(state.all("bots", list[int])).get("order", [])
        """The ids of the bots that have signed in, the first one first."""
        secret = dict(state.all("secret", bytes)).get("access_hash")
        self._secret = secret or os.urandom(32)
        if secret is None:
            state.put("secret", "access_hash", self._secret)

    def person(
        self,
        number: int | None,
        first_name: str,
        last_name: str = "",
        username: str = "",
        language: str = "",
        phone: str = "",
    ) -> User:
        """A new person, or new names for the one who has this id."""
        if number is None:
            number = self._free_id()
        known = self.users.get(number)
        if known and known.bot:
            raise Refused(f"{number} is a bot")
        if username and (taken := self.by_username(username)) and taken.id != number:
            raise Refused(f"the username {username} is taken")
        phone = phone or (known.phone if known else f"999{number}")
        if any(user.phone == phone and user.id != number for user in self.users.values() if not user.bot):
            raise Refused(f"the phone number {phone} is taken")
        user = User(
            id=number,
            first_name=first_name,
            last_name=last_name,
            username=username,
            language=language,
            phone=phone,
        )
        self.save(user)
        return user

    def bot(self, number: int) -> User:
        """The bot with this id; its first sign-in creates it."""
        user = self.users.get(number)
        if user is None:
            user = User(id=number, first_name=f"Bot {number}", username=f"sandbox_{number}_bot", bot=True)
            self.save(user)
        if not user.bot:
            raise Refused(f"{number} is a person")
        if number not in self.bots:
            self.bots.append(number)
            self._state.put("bots", "order", self.bots)
        return user

    def save(self, user: User) -> None:
        """Stores a new or changed user."""
        self.users[user.id] = user
        self._state.put("user", user.id, user)

    def by_username(self, username: str) -> User | None:
        """The user with this username; capital letters make no difference."""
        username = username.lower()
        return next((u for u in self.users.values() if u.username and u.username.lower() == username), None)

    def by_phone(self, phone: str) -> User | None:
        """The person with this phone number."""
        digits = "".join(c for c in phone if c.isdigit())
        return next((u for u in self.users.values() if not u.bot and u.phone == digits), None)

    def access_hash(self, viewer: int, number: int) -> int:
        """What `viewer` must present for a user or file. Each viewer has another one; a restart keeps it."""
        digest = hashlib.sha256(self._secret + f"{viewer}:{number}".encode()).digest()
        return int.from_bytes(digest[:8], "little", signed=True) or 1

    def _free_id(self) -> int:
        people = (user.id for user in self.users.values() if not user.bot)
        number = max(people, default=FIRST_PERSON - 1) + 1
        while number in self.users:
            number += 1
        return number
