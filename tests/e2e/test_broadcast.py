"""A broadcast from the chat: composed, previewed, sent to everybody once, whatever breaks."""

import time
from collections.abc import Iterator

import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import WAIT, Sandbox, Service

NEWS = "We move on Sunday.\nNothing to do for you."


@pytest.fixture(scope="module")
def root(box: Sandbox) -> int:
    return box.person(first_name="Root")


@pytest.fixture(scope="module")
def service(box: Sandbox, root: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service") / "data"
    with Service(box, folder, DJANGOBOT_ADMINS=str(root)) as running:
        yield running


def met(box: Sandbox, count: int, language: str = "en") -> list[int]:
    """So many new people who have written to the bot, and been answered."""
    people = [box.person(language=language) for _ in range(count)]
    said = {person: int(box.post(f"/chats/{person}/say", text="hello")["id"]) for person in people}
    for person in people:
        box.next_from_bot(person, said[person])
    return people


def press(box: Sandbox, chat: int, message_id: int, data: str) -> str:
    """What the message says after that."""
    box.post(f"/chats/{chat}/press", message_id=message_id, data=data)
    return text_of(box, chat, message_id)


def text_of(box: Sandbox, chat: int, message_id: int) -> str:
    return next(str(one["text"]) for one in box.messages(chat) if one["id"] == message_id)


def compose(box: Sandbox, root: int, text: str) -> tuple[str, int, str]:
    """The preview, the message with the choices, and its number."""
    assert "Send me the text" in box.say(root, "/broadcast")["text"]
    preview = box.say(root, text)
    choices = box.next_from_bot(root, preview["id"])
    data = str(choices["buttons"][0][0]["data"])
    return preview["text"], choices["id"], data.removeprefix("broadcast_language:")


def ended(box: Sandbox, root: int, card: int, words: str) -> str:
    """The card, once it says so."""
    deadline = time.monotonic() + 4 * PATIENCE
    while words not in (text := text_of(box, root, card)):
        assert time.monotonic() < deadline, text
        time.sleep(0.1)  # the sandbox does not tell of edits
    return text


def received(box: Sandbox, people: list[int], text: str) -> dict[int, int]:
    """How often each of them has it."""
    shown = {person: [m["text"] for m in box.messages(person) if m["from"] == "bot"] for person in people}
    return {person: texts.count(text) for person, texts in shown.items()}


def test_an_admin_tells_everybody_what_the_preview_shows(box: Sandbox, service: Service, root: int) -> None:
    """By language; not who wants no news; the card ends with the counts. A stranger knows no such command."""
    english, russian = met(box, 3), met(box, 2, "ru")
    assert "no news" in box.say(english[0], "/news off")["text"]
    preview, choices, number = compose(box, root, NEWS)
    assert preview.startswith(NEWS)
    assert "/news off" in preview
    assert "for 3 people" in press(box, root, choices, f"broadcast_language:{number}:en")  # the admin is one
    assert "Send it to 3 people now?" in press(box, root, choices, f"broadcast:{number}:ask")
    press(box, root, choices, f"broadcast:{number}:start")
    assert "Sent: 3, failed: 0, skipped: 0" in ended(box, root, choices, "is done")
    assert received(box, english, preview) == {english[0]: 0, english[1]: 1, english[2]: 1}
    assert received(box, [*russian, root], preview) == {russian[0]: 0, russian[1]: 0, root: 2}
    assert "don’t know this command" in box.say(english[0], "/broadcast")["text"]
    assert "Sent a broadcast to 3 people" in box.say(root, "/audit")["text"]


def test_a_draft_may_be_discarded(box: Sandbox, service: Service, root: int) -> None:
    """Then it is sent to nobody; an empty or endless text is asked for again."""
    someone = met(box, 1)
    preview, choices, number = compose(box, root, "never")
    assert "canceled" in press(box, root, choices, f"broadcast:{number}:cancel")
    assert received(box, someone, preview) == {someone[0]: 0}
    box.say(root, "/broadcast")
    assert "1 to 3,900" in box.say(root, "x" * 3901)["text"]
    assert box.say(root, "short enough")["text"].startswith("short enough")


def _killed_twice(box: Sandbox, service: Service, root: int, count: int) -> None:
    people = met(box, count)
    preview, choices, number = compose(box, root, f"For all {count}")
    press(box, root, choices, f"broadcast:{number}:ask")
    began = time.monotonic()
    press(box, root, choices, f"broadcast:{number}:start")
    for reached in (count // 3, 2 * count // 3):
        seen = max(m["id"] for m in box.messages(people[reached]) if m["text"] != preview)
        box.next_from_bot(people[reached], seen)
        service.kill()
        service.start()
    text = ended(box, root, choices, "is done")
    lasted = time.monotonic() - began
    counts = received(box, people, preview)
    assert set(counts.values()) == {1}, [person for person, times in counts.items() if times != 1][:10]
    assert "failed: 0" in text
    repeats = box.get("/journal")["repeats"]
    print(f"{count} people, 2 kills, {lasted:.1f} s, {repeats} repeats recognised; each has it once")


def test_killed_twice_it_reaches_everybody_once(box: Sandbox, service: Service, root: int) -> None:
    """The short form: three hundred people."""
    _killed_twice(box, service, root, 300)


@pytest.mark.chaos
@pytest.mark.timeout(120 * PATIENCE)
def test_killed_twice_it_reaches_five_thousand_once(box: Sandbox, service: Service, root: int) -> None:
    """The long form."""
    _killed_twice(box, service, root, 5000)


def test_a_paused_broadcast_lets_others_by_and_goes_on_after_a_restart(
    box: Sandbox, service: Service, root: int
) -> None:
    """What was enrolled already waits with it."""
    people = met(box, 3)
    token = service.bot_token(people[0], service.account())
    status = box.say(root, "/status")["id"]
    press(box, root, status, "pause:1")
    preview, choices, number = compose(box, root, "Later")
    press(box, root, choices, f"broadcast:{number}:ask")
    press(box, root, choices, f"broadcast:{number}:start")
    assert "is paused" in press(box, root, choices, f"broadcast:{number}:pause")
    press(box, root, status, "pause:0")
    assert service.send(token, "goes by", prefer=WAIT).status_code == 200
    service.stop()
    service.start()
    assert set(received(box, people, preview).values()) == {0}
    assert "under way" in press(box, root, choices, f"broadcast:{number}:resume")
    ended(box, root, choices, "is done")
    assert set(received(box, people, preview).values()) == {1}
