"""Every command and every kind of button there is, found by walking: none can be added that nobody drives."""

import re
import time
from typing import Any

import pytest

from djangobot.bot.dispatch.commands import BUTTONS, COMMANDS
from djangobot.bot.rendering.replies import say
from djangobot.bot.sandbox.testing import PATIENCE

from .judging import CYRILLIC, foreign, too_wide

FOR_EVERYBODY = [command for command in COMMANDS if command.audience == "everybody"]
"""What admins may is driven by test_admins.py."""
LAST = ("token_new_sure", "token_new", "unrevoke", "revoke_sure", "revoke", "forget")
"""What ends something is pressed once all else was, in this order."""
NUMBER = re.compile(r"\d+")


def shape(data: str) -> str:
    """The same of buttons that differ in their numbers alone. One of each is pressed: more is a flood."""
    return NUMBER.sub("#", data)


class Walker:
    """Somebody who writes every command and presses one button of each shape."""

    def __init__(self, box: Any, service: Any, language: str) -> None:
        self.box, self.service, self.language = box, service, language
        self.id = box.person(language=language)
        self.token = service.bot_token(self.id, service.account(), name="ci")
        self.pressed: set[str] = set()
        long = "build " * 100
        assert service.send(self.token, long).status_code == 200
        for number in range(7):
            assert service.send(self.token, f"build {number}").status_code == 200
        other = service.bot_token(self.id, service.account(), name="cd")
        assert service.send(other, "deployed").status_code == 200

    @property
    def verbs(self) -> set[str]:
        return {data.partition(":")[0] for data in self.pressed}

    def offered(self) -> tuple[int, str] | None:
        """The message and data of the button to press next: new kinds first, ends when no others are new."""
        found = [
            (message["id"], str(button["data"]))
            for message in self.box.messages(self.id)
            for row in message["buttons"]
            for button in row
            if shape(button["data"]) not in self.pressed and not self.changes_language(button["data"])
        ]

        early = set(BUTTONS) - set(LAST) - self.verbs

        def rank(one: tuple[int, str]) -> tuple[bool, int, bool]:
            verb = one[1].partition(":")[0]
            ends = verb in LAST
            return ends == bool(early), LAST.index(verb) if ends else 0, verb in self.verbs

        return min(found, key=rank, default=None)

    def changes_language(self, data: str) -> bool:
        """Whether the button would make all that follows another language's."""
        return data.startswith("set_language:") and data != f"set_language:{self.language}"

    def press(self, message_id: int, data: str) -> None:
        """It is answered in time, and known. Whoever is muted by it writes at once, and is listed."""
        self.pressed.add(shape(data))
        answer = self.box.post(f"/chats/{self.id}/press", message_id=message_id, data=data)
        self.judge()
        assert not answer["timeout"], data
        assert answer["answer"] not in {say(known, "button-unknown") for known in ("en", "ru")}, data
        if data.startswith(("mute:", "mute_here:")) and "unmute" not in self.verbs:
            self.service.send(self.token, "kept")
            self.box.say(self.id, "/unmute")

    def judge(self) -> None:
        """Nothing the bot shows has a word of another language, or a button that a phone can't show."""
        for message in self.box.messages(self.id):
            if message["from"] == "bot" and not message["text"].startswith(("Fedor", "ci", "cd")):
                assert foreign(self.language, message) == [], message["text"]
                assert too_wide(message) == []

    def walk(self) -> None:
        """Until every kind was pressed, or for long nothing new is offered."""
        deadline = time.monotonic() + PATIENCE
        while self.verbs < set(BUTTONS) and time.monotonic() < deadline:
            button = self.offered()
            if button is None:
                self.box.get("/journal")
                continue
            self.press(*button)
            deadline = time.monotonic() + PATIENCE


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_command_and_every_kind_of_button_is_reached(box: Any, service: Any, language: str) -> None:
    """Each command answers in the person's language; from their answers each verb of BUTTONS is reached."""
    walker = Walker(box, service, language)
    for command in FOR_EVERYBODY:
        said = box.say(
            walker.id, f"/{command.name} build" if command.name == "search" else f"/{command.name}"
        )
        assert bool(CYRILLIC.search(said["text"])) == (language == "ru"), (command.name, said["text"])
    walker.walk()
    walker.judge()
    assert walker.verbs == set(BUTTONS)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("language", ["en", "ru"])
def test_help_and_the_menu_list_every_command(box: Any, language: str) -> None:
    """With the same words, in the person's language."""
    someone = box.person(language=language)
    lines = box.say(someone, "/help")["text"].splitlines()[1:]
    menu = box.get("/commands", chat=someone)
    listed = [(command.name, say(language, command.description)) for command in FOR_EVERYBODY]
    assert lines == [f"/{name} — {words}" for name, words in listed]
    assert [(one["command"], one["description"]) for one in menu] == listed
