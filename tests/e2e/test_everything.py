"""Every command and every kind of button there is, found by walking: none can be added that nobody drives."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from djangobot.bot.dispatch.commands import ADMIN_BUTTONS, BUTTONS, COMMANDS
from djangobot.bot.rendering.replies import say
from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import WAIT, Sandbox, Service
from .judging import CYRILLIC, foreign, too_wide

FOR_EVERYBODY = [command for command in COMMANDS if command.audience == "everybody"]
FOR_ADMINS = [command for command in COMMANDS if command.audience == "admins"]
LAST = ("token_new_sure", "token_new", "unrevoke", "revoke_sure", "revoke", "forget")
"""What ends something is pressed once all else was, in this order."""
ADMINS_LAST = ("queue_all_sure", "dismiss_sure", "broadcast")
"""The same for admins."""
NUMBER = re.compile(r"\d+")
NAMES = ("Fedor", "ci", "kept")
"""Messages that begin so were written by programs."""


def part_of(name: str) -> str:
    """Which of the three people sees to this command or kind of button."""
    if "token" in name or "revoke" in name:
        return "tokens"
    return "programs" if name.startswith(("press", "scheduled")) else "all else"


def shape(data: str) -> str:
    """The same of buttons that differ in their numbers alone. One of each is pressed: more is a flood."""
    return NUMBER.sub("#", data)


class Walker:
    """Somebody who writes commands and presses one button of each shape, until each kind of the table was
    pressed."""

    def __init__(self, box: Sandbox, service: Service, language: str) -> None:
        self.box, self.service, self.language = box, service, language
        self.kinds = set(BUTTONS)
        self.last: tuple[str, ...] = LAST
        self.pressed: set[str] = set()
        self.id = 0

    @property
    def verbs(self) -> set[str]:
        """The kinds of buttons that were pressed."""
        return {data.partition(":")[0] for data in self.pressed}

    def offered(self) -> tuple[int, str] | None:
        """The message and data of the button to press next: new kinds first, ends when no others are new."""
        found = [
            (message["id"], str(button["data"]))
            for message in self.box.messages(self.id)
            for row in message["buttons"]
            for button in row
            if self.may_press(str(button["data"]))
        ]
        early = self.kinds - set(self.last) - self.verbs

        def rank(one: tuple[int, str]) -> tuple[bool, int, bool, bool]:
            verb = one[1].partition(":")[0]
            ends = verb in self.last
            order = self.last.index(verb) if ends else 0
            return ends == bool(early), order, verb in self.verbs, verb == "mute"

        return min(found, key=rank, default=None)

    def may_press(self, data: str) -> bool:
        """Whether it is of this table, has a new shape, and leaves the language as it is."""
        if data.startswith("set_language:") and data != f"set_language:{self.language}":
            return False
        return data.partition(":")[0] in self.kinds and shape(data) not in self.pressed

    def press(self, message_id: int, data: str) -> None:
        """It is answered in time, and known."""
        self.pressed.add(shape(data))
        answer = self.box.post(f"/chats/{self.id}/press", message_id=message_id, data=data)
        self.judge()
        assert not answer["timeout"], data
        assert answer["answer"] not in {say(known, "button-unknown") for known in ("en", "ru")}, data

    def judge(self) -> None:
        """Nothing the bot shows has a word of another language, or a button that a phone can't show."""
        for message in self.box.messages(self.id):
            settings = "DJANGOBOT_API_ID" in message["text"]  # their values are shown as they are
            if message["from"] == "bot" and not settings and not message["text"].startswith(NAMES):
                assert foreign(self.language, message) == [], message["text"]
                assert too_wide(message) == []

    def walk(self) -> None:
        """Until every kind was pressed, or for long nothing new is offered."""
        deadline = time.monotonic() + PATIENCE
        while self.verbs < self.kinds and time.monotonic() < deadline:
            button = self.offered()
            if button is None:
                self.box.get("/journal")
                continue
            self.press(*button)
            deadline = time.monotonic() + PATIENCE


class PersonWalker(Walker):
    """A person to whom two programs have written."""

    def __init__(self, box: Sandbox, service: Service, language: str) -> None:
        super().__init__(box, service, language)
        self.id = box.person(language=language)
        self.token = service.bot_token(self.id, service.account(), name="ci")
        for number in range(7):  # two pages of a tag
            self.post(title="build", tags=["build"], text=f"build {number}")
        for text in ("build " + "1 " * 300, *(f"build {number}" for number in range(7))):
            assert service.send(self.token, text).status_code == 200
        other = service.bot_token(self.id, service.account(), name="kept")
        assert service.send(other, "build").status_code == 200

    def post(self, **message: Any) -> None:
        """A program sends this."""
        body = {"bot_token": self.token, **message}
        assert self.service.client.post("/api/send_message", json=body).is_success

    def ask(self) -> None:
        """A program asks by a button, and schedules two pages of messages."""
        for _ in range(9):
            self.post(text="build", delay=3600)
        self.post(text="build", buttons=[[{"text": "build", "value": "build"}]])

    def press(self, message_id: int, data: str) -> None:
        """Whoever is muted by it writes at once, and is listed. After the way back it is asked anew. What
        leads away from a token's card has a way back."""
        super().press(message_id, data)
        if data.startswith(("mute:", "mute_here:")) and "unmute" not in self.verbs:
            self.service.send(self.token, "kept")
            self.box.say(self.id, "/unmute")
        if data == "mutes":
            self.pressed.discard("mute_ask:#")
        if data.startswith(("token_how", "token_secret")):
            self.pressed.discard("token:#")
        if data.startswith("token_secret_new"):
            self.pressed.discard("token_secret:#")


class AdminWalker(Walker):
    """An admin of a service with a failed message, another admin, invites and an audit of several pages."""

    def __init__(self, box: Sandbox, service: Service, language: str, admin: int) -> None:
        super().__init__(box, service, language)
        self.kinds, self.last = set(ADMIN_BUTTONS), ADMINS_LAST
        self.id = admin
        box.say(admin, "/start")
        deputy = box.person(first_name="Deputy", language=language)
        box.say(deputy, "/start")
        box.say(admin, f"/admins add {deputy}")
        for _ in range(9):
            box.say(deputy, "/invite")
        token = service.bot_token(box.person(language=language), service.account(name="Fedor"))
        box.post("/faults", method="messages.sendMessage", kind="error", value="400 PEER_ID_INVALID", times=2)
        for _ in range(2):
            assert service.send(token, "refused", prefer=WAIT).status_code == 502

    def press(self, message_id: int, data: str) -> None:
        """Delivery goes on after a pause. After the way back there is a question
        anew. What leads away from the card of /queue brings another card."""
        super().press(message_id, data)
        if data == "pause:1":
            super().press(message_id, "pause:0")
        if data == "admins":
            self.pressed.discard("dismiss:#")
        if data.startswith(("queue_do", "queue_by")):
            self.box.say(self.id, "/queue")


@pytest.fixture(scope="module")
def admins(box: Sandbox) -> dict[str, int]:
    """One admin of each language, by the settings."""
    return {language: box.person(language=language, first_name="Root") for language in ("en", "ru")}


@pytest.fixture(scope="module")
def service(
    box: Sandbox, admins: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service with these admins."""
    numbers = ",".join(map(str, admins.values()))
    with Service(box, tmp_path_factory.mktemp("service") / "data", DJANGOBOT_ADMINS=numbers) as running:
        yield running


@pytest.mark.parametrize("part", ["tokens", "programs", "all else"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_command_and_every_kind_of_button_is_reached(
    box: Sandbox, service: Service, language: str, part: str
) -> None:
    """Each command answers in the person's language; from their answers each kind of BUTTONS is reached. It
    takes three people: more than sixty presses a minute of one are a flood."""
    walker = PersonWalker(box, service, language)
    walker.kinds = {kind for kind in BUTTONS if part_of(kind) == part}
    if part == "programs":
        walker.ask()
    for command in FOR_EVERYBODY:
        if command.name == "start" or part_of(command.name) == part:
            words = " build" if command.name == "search" else ""
            said = box.say(walker.id, f"/{command.name}{words}")
            assert bool(CYRILLIC.search(said["text"])) == (language == "ru"), (command.name, said["text"])
    walker.walk()
    walker.judge()
    assert walker.verbs == walker.kinds


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_card_of_an_admin_is_reached(
    box: Sandbox, service: Service, admins: dict[str, int], language: str
) -> None:
    """Behind the admins' commands each kind of ADMIN_BUTTONS is reached, in the admin's language."""
    walker = AdminWalker(box, service, language, admins[language])
    words = {"user": " Fedor", "broadcast": " build"}
    for command in FOR_ADMINS:
        said = box.say(walker.id, f"/{command.name}{words.get(command.name, '')}")
        if command.name != "broadcast":
            assert bool(CYRILLIC.search(said["text"])) == (language == "ru"), (command.name, said["text"])
    walker.walk()
    walker.judge()
    assert walker.verbs == set(ADMIN_BUTTONS)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("language", ["en", "ru"])
def test_help_and_the_menu_list_every_command(box: Sandbox, language: str) -> None:
    """With the same words, in the person's language."""
    someone = box.person(language=language)
    lines = box.say(someone, "/help")["text"].splitlines()[1:]
    menu = box.get("/commands", chat=someone)
    listed = [(command.name, say(language, command.description)) for command in FOR_EVERYBODY]
    assert lines == [f"/{name} — {words}" for name, words in listed]
    assert [(one["command"], one["description"]) for one in menu] == listed
