"""Histories, searches, exports and statistics in the chat, in both languages."""

import csv
import io
import json
import re
import time
from typing import Any

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import WAIT, Sandbox, Service


class Reader:
    """A person who reads what two programs sent them, on a phone in one language."""

    def __init__(self, box: Sandbox, service: Service, language: str) -> None:
        self.box, self.service, self.words = box, service, WORDS[language]
        self.id = box.person(language=language)
        self.bearer = service.account("Фёдор")
        self.ci = service.bot_token(self.id, self.bearer, name="ci")
        self.backup = service.bot_token(self.id, self.bearer, name="backup")

    def get(self, token: str, *texts: str) -> None:
        for text in texts:
            assert self.service.send(token, text).status_code == 200

    def ask(self, text: str) -> dict[str, Any]:
        return dict(self.box.say(self.id, text))

    def now(self, message: dict[str, Any]) -> dict[str, Any]:
        return next(one for one in self.box.messages(self.id) if one["id"] == message["id"])

    def press(self, message: dict[str, Any], label: str) -> dict[str, Any]:
        """Presses the button with this in its label; the same message, as it is then."""
        shown = [button for row in self.now(message)["buttons"] for button in row]
        button = next((button for button in shown if label in button["text"]), None)
        assert button is not None, f"{label!r} not in {[one['text'] for one in shown]}"
        answer = self.box.post(f"/chats/{self.id}/press", message_id=message["id"], data=button["data"])
        assert not answer["timeout"]
        return self.now(message)


def finished(reader: Reader, message: dict[str, Any], label: str) -> dict[str, Any]:
    """Presses, and returns the message once what was asked for has been sent and said."""
    reader.press(message, label)
    deadline = time.monotonic() + PATIENCE
    while reader.words["done"] not in reader.now(message)["text"]:
        assert time.monotonic() < deadline
        reader.box.get("/journal")
    return dict(reader.now(message))


WORDS = {
    "en": {
        "older": "Older", "newer": "Newer", "newest": "Newest", "senders": "All senders",
        "any day": "Any day", "nothing": "Nothing found", "done": "Done", "dark": "Dark", "light": "Light",
        "what": "What are you looking for", "files": "Files:",
    },
    "ru": {
        "older": "Старше", "newer": "Новее", "newest": "Новые", "senders": "Все отправители",
        "any day": "Любой день", "nothing": "ничего не нашлось", "done": "Готово",
        "dark": "Тёмный", "light": "Светлый",
        "what": "Что искать", "files": "Файлы:",
    },
}  # fmt: skip


@pytest.fixture(scope="module", params=["en", "ru"])
def reader(request: pytest.FixtureRequest, box: Sandbox, service: Service) -> Reader:
    """With seven messages of one program and two of another."""
    someone = Reader(box, service, request.param)
    someone.get(someone.ci, *(f"сборка {number}: ошибка на сервере 😀" for number in range(7)))
    someone.get(someone.backup, "backup done", "backup failed: ошибок 3")
    return someone


def test_the_history_of_one_sender_is_a_choice_in_the_same_message(reader: Reader) -> None:
    """All senders, then one, its pages, and all again; nothing piles up."""
    words = reader.words
    page = reader.ask("/history")
    count = len(reader.box.messages(reader.id))
    assert "backup failed" in page["text"]
    reader.press(page, words["senders"])
    chosen = reader.press(page, "backup")
    assert re.findall(r"backup (\w+)", chosen["text"].replace("· backup ·", "")) == ["failed", "done"]
    reader.press(page, "backup")
    ci = reader.press(page, "· ci")
    assert re.findall(r"сборка (\d)", ci["text"]) == list("65432")
    assert re.findall(r"сборка (\d)", reader.press(page, words["older"])["text"]) == list("10")
    assert re.findall(r"сборка (\d)", reader.press(page, words["newer"])["text"]) == list("65432")
    reader.press(page, words["older"])
    assert re.findall(r"сборка (\d)", reader.press(page, words["newest"])["text"]) == list("65432")
    reader.press(page, "· ci")
    assert "backup failed" in reader.press(page, words["senders"])["text"]
    assert len(reader.box.messages(reader.id)) == count


def test_the_history_of_one_day_is_a_choice_in_the_same_message(reader: Reader) -> None:
    """The days on which something came, and back to all."""
    page = reader.ask("/history")
    days = reader.press(page, reader.words["any day"])
    shown = [button["text"] for row in days["buttons"] for button in row]
    assert len(shown) == 2
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4}", shown[1])
    assert "backup failed" in reader.press(page, shown[1])["text"]
    reader.press(page, shown[1])
    assert "backup failed" in reader.press(page, reader.words["any day"])["text"]


def test_a_search_finds_forms_of_words_and_shows_them_in_bold(reader: Reader) -> None:
    """Pages in place; the hits are bold where they stand, counted as Telegram counts."""
    found = reader.ask("/search ошибки")
    assert "ошибок 3" in found["text"]
    units = found["text"].encode("utf-16-le")
    bold = [
        units[one["offset"] * 2 : (one["offset"] + one["length"]) * 2].decode("utf-16-le")
        for one in found["entities"]
        if one["type"] == "bold"
    ]
    assert bold.count("ошибка") == 4
    assert bold.count("ошибок") == 1
    assert re.findall(r"сборка (\d)", reader.press(found, reader.words["older"])["text"]) == list("210")
    assert "ошибок 3" in reader.press(found, reader.words["newer"])["text"]


def test_a_search_without_words_asks_for_them(reader: Reader) -> None:
    """The next text is what to look for; nothing found is said."""
    assert reader.words["what"] in reader.ask("/search")["text"]
    assert "backup done" in reader.ask("done")["text"]
    for strange in ('"', "NOT ( *", "🎉", "'; DROP TABLE"):
        assert reader.words["nothing"] in reader.ask(f"/search {strange}")["text"]


def test_statistics_are_a_picture_with_one_sentence(reader: Reader) -> None:
    """Light first; the button turns it dark and light again, in the same message."""
    picture = reader.ask("/stats")
    assert picture["file"]["kind"] == "photo"
    assert picture["file"]["width"] == 1080
    assert re.search(r"\b9 (messages|сообщений)\b.*Фёдор · ci \(78 %\)", picture["text"])
    count = len(reader.box.messages(reader.id))
    dark = reader.press(picture, reader.words["dark"])
    assert dark["file"]["id"] != picture["file"]["id"]
    assert dark["text"] == picture["text"]
    assert reader.press(dark, reader.words["light"])["text"] == picture["text"]
    assert len(reader.box.messages(reader.id)) == count


def test_statistics_of_nothing_are_words(reader: Reader, box: Sandbox) -> None:
    """A newcomer gets no empty picture."""
    newcomer = box.person()
    assert box.say(newcomer, "/stats")["file"] is None


@pytest.mark.parametrize("form", ["CSV", "JSON Lines"])
def test_all_messages_come_as_a_file(reader: Reader, form: str) -> None:
    """Oldest first, to the letter, and no formula for a spreadsheet."""
    if form == "CSV":
        reader.get(reader.ci, "=1+1;\n\"quoted\", 'text'")
    choice = reader.ask("/export")
    assert reader.words["done"] in finished(reader, choice, form)["text"]
    [file] = [one for one in reader.box.messages(reader.id, after=choice["id"]) if one["file"]]
    with httpx.Client(base_url=reader.box.web) as page:
        content = page.get(file["file"]["url"]).content
    if form == "CSV":
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        assert "'=1+1;\n\"quoted\", 'text'" in [row["text"] for row in rows]
    else:
        rows = [json.loads(line) for line in content.splitlines()]
    assert [row["text"] for row in rows][:7] == [f"сборка {n}: ошибка на сервере 😀" for n in range(7)]
    assert rows[0]["sender"] == "Фёдор"
    assert len(rows) == len({row["id"] for row in rows})


def test_an_export_of_nothing_is_words(reader: Reader, box: Sandbox) -> None:
    """A newcomer gets no empty file."""
    assert box.say(box.person(), "/export")["buttons"] == []


def test_titles_tags_and_formatting_are_in_the_lists_and_a_tag_is_a_choice(reader: Reader) -> None:
    """A tap shows a message in full, with its formatting; /history and /search take a tag."""
    text = "**All** is " + "well " * 200
    body = {"type": "Text", "bot_token": reader.ci, "text": text, "format": "markdown"}
    sent = reader.service.client.post(
        "/api/send_message",
        json={**body, "title": "Отчёт", "tags": ["Disk_Full"]},
        headers={"Prefer": "wait=10"},
    )
    assert sent.status_code == 200
    for command in ("/history", "/history #disk_full", "/search #DISK_FULL", "/search отчёты"):
        page = reader.ask(command)
        assert "Отчёт\nAll is well" in page["text"]
        assert "#Disk_Full" in page["text"]
        before = reader.box.messages(reader.id)[-1]["id"]
        reader.press(page, ":")
        full = reader.box.next_from_bot(reader.id, before)  # the press is answered before it
        assert "All is " + "well " * 199 in full["text"]
        assert [one["type"] for one in full["entities"] if one["type"] == "bold"] == ["bold"] * 3
    page = reader.ask("/history")
    reader.press(page, {"Older": "Any tag"}.get(reader.words["older"], "Любой тег"))
    chosen = reader.press(page, "#disk_full")
    assert chosen["text"].count("All is well") == 1
    assert "backup" not in chosen["text"].replace("#", "")


def test_a_message_with_files_is_shown_once_more(reader: Reader) -> None:
    """A tap copies what the chat has, files and words. What the person has deleted is shown in words."""
    files = [{"name": f"отчёт {number}.txt", "base64": "aGVsbG8="} for number in range(2)]
    body = {"text": "two reports", "bot_token": reader.ci, "files": files}
    sent = reader.service.client.post("/api/send_message", json=body, headers={"Prefer": WAIT})
    assert sent.json()["status"] == "sent"
    page = reader.ask("/history")
    assert "отчёт 0.txt (5 " in page["text"]
    reader.press(page, reader.words["files"])
    found = [reader.box.next_from_bot(reader.id, page["id"])]
    found.append(reader.box.next_from_bot(reader.id, found[0]["id"]))
    assert [one["file"]["name"] for one in found] == ["отчёт 0.txt", "отчёт 1.txt"]
    assert "two reports" in found[0]["text"]
    last = found[1]["id"]
    reader.box.post(
        "/faults", method="messages.forwardMessages", kind="error", value="400 MESSAGE_ID_INVALID"
    )
    reader.press(page, reader.words["files"])
    words = reader.box.next_from_bot(reader.id, last)
    assert (words["file"], "two reports" in words["text"]) == (None, True)
    assert re.search(r"\b2 (files|файл)", reader.ask("/stats")["text"])
    card = reader.ask("/tokens")
    assert re.search(r"\b2 (files|файл)", reader.press(card, "· ci")["text"])


def test_a_held_message_is_shown_with_its_files(box: Sandbox, service: Service) -> None:
    """It was never in the chat. Its bytes are kept for the person."""
    chat = Reader(box, service, "en")
    muting = chat.ask("/mute")
    chat.press(muting, "Фёдор")
    chat.press(muting, "8 h")
    body: dict[str, Any] = {"text": "a report", "bot_token": chat.ci}
    body["files"] = [{"name": f"{number}.txt", "base64": "aGVsbG8="} for number in range(2)]
    held = service.client.post("/api/send_message", json=body, headers={"Prefer": WAIT})
    assert held.json()["status"] == "held"
    page = chat.ask("/history")
    chat.press(page, "Files:")
    first = chat.box.next_from_bot(chat.id, page["id"])
    second = chat.box.next_from_bot(chat.id, first["id"])
    assert [one["file"]["name"] for one in (first, second)] == ["0.txt", "1.txt"]
    assert "a report" in first["text"]
