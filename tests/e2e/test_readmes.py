"""Real documents, sent as Markdown through the whole product: all arrive, and all that can be read is in the
chat."""

import random
import re
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import httpx
import pytest
from markdown_it import MarkdownIt

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.messages.new_message import TEXT_LIMIT

from ..db.messages.rich_text.visible import missing_word, visible_words
from .conftest import Sandbox, Service

DOCUMENT = re.compile(
    r"(?i)(readme|change|history|news|authors|contributing|licen[cs]e|notice)[^/]*$|\.(md|rst)$"
)
LONG_FORM, SHORT_FORM = 300, 20
IN_A_CHAT = 10
REFERENCE = MarkdownIt("commonmark").enable(["table", "strikethrough"])
UNSEEN = re.compile(r"[\s\u200b\u2060\xa0]+")


@cache
def documents() -> tuple[str, ...]:
    """Descriptions, changelogs and licences of the installed packages, each once, cut as a message may
    be long. Not all of them are Markdown: senders err."""
    found: dict[str, None] = {}
    for package in distributions():
        texts = [package.metadata.json.get("description")]
        for file in package.files or ():
            if DOCUMENT.search(file.name) and file.suffix != ".py":
                texts.append(Path(file.locate()).read_text("utf-8", "replace"))
        for text in texts:
            if isinstance(text, str) and text.strip():
                found |= dict.fromkeys(text[at : at + TEXT_LIMIT] for at in range(0, len(text), TEXT_LIMIT))
    return tuple(found)


def seen(text: str) -> str:
    """Without what separates words, which is free to change."""
    return UNSEEN.sub("", text)


class Reader:
    """A person who gets documents, and what of each is in the chat."""

    def __init__(self, box: Sandbox, service: Service) -> None:
        self.box, self.service = box, service
        self.chat = box.person()
        self.token = service.bot_token(self.chat, service.account("Fedor"))
        self.before = len(box.messages(self.chat))

    def send(self, number: int, text: str) -> str:
        """Returns the id of the message."""
        body = {"bot_token": self.token, "title": f"Document {number}", "format": "markdown", "text": text}
        headers = {"Prefer": "respond-async"}
        answer = self.service.client.post("/api/send_message", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def arrived(self) -> dict[int, list[dict[str, Any]]]:
        """The messages of each document, by its number."""
        found: dict[int, list[dict[str, Any]]] = {}
        number = -1
        for message in self.box.messages(self.chat)[self.before :]:
            head = re.match(r"Fedor\nDocument (\d+)\n", message["text"])
            number = int(head[1]) if head else number
            found.setdefault(number, []).append(message)
        return found

    def lost(self, text: str, messages: list[dict[str, Any]]) -> str | None:
        """A word of a document that is not in these messages. A file holds the document as it is."""
        file = messages[0]["file"]
        if file is not None:
            content = httpx.get(f"{self.box.web}{file['url']}").content
            return None if content.decode() == text else "the file is another one"
        words = [seen(word) for word in visible_words(REFERENCE.render(text))]
        return missing_word(words, seen(" ".join(message["text"] for message in messages)))


def send_and_compare(box: Sandbox, service: Service, many: int) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chosen = random.Random(seed).sample(documents(), many)
    readers = [Reader(box, service) for _ in range(0, many, IN_A_CHAT)]
    for number, text in enumerate(chosen):
        readers[number // IN_A_CHAT].send(number, text)
    for number, reader in enumerate(readers):
        service.wait_until_sent(reader.token, reader.send(many + number, "the last"))
    lost = {}
    for place, reader in enumerate(readers):
        arrived = reader.arrived()
        numbers = range(place * IN_A_CHAT, min((place + 1) * IN_A_CHAT, many))
        assert list(arrived) == [*numbers, many + place]
        for number in numbers:
            if word := reader.lost(chosen[number], arrived[number]):
                lost[number] = (word, chosen[number][:200])
    assert lost == {}


def test_documents_of_installed_packages_arrive_with_every_word(box: Sandbox, service: Service) -> None:
    """A few of them. The chaos run takes many."""
    send_and_compare(box, service, SHORT_FORM)


@pytest.mark.chaos
@pytest.mark.timeout(30 * PATIENCE)
def test_many_documents_of_installed_packages_arrive_with_every_word(box: Sandbox, service: Service) -> None:
    """As many as people send in years."""
    send_and_compare(box, service, LONG_FORM)
