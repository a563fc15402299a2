"""Replies: turns Fluent messages into formatted text in a person's language."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.resolver import Pattern

from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.messages.rich_text import compose
from djangobot.db.messages.rich_text.spans import Kind, RichText, Span, utf16_length
from djangobot.db.people import chat_settings
from djangobot.db.people.chat_settings import language_of

MESSAGE_START = re.compile(r"^(?=[a-z][a-z0-9-]* =)", re.MULTILINE)
TAG = re.compile(r"<(/?)(b|i|code|pre|spoiler)>")
TAGS: dict[str, Kind] = {"b": "bold", "i": "italic", "code": "code", "pre": "pre", "spoiler": "spoiler"}
PRE_LANGUAGE = "sh"
"""The language of every `pre` in our own texts. They are commands for a shell."""
FIRST_STAND_IN = 0xF0000
"""People's words are inserted after the markup was read, so that their text is never read as markup. Until
then each is one character of Unicode's private plane, from here on."""


def language_for(message: Claimed) -> str:
    """Our language for the person who receives this message."""
    return language_of(chat_settings.read(message.settings).language or message.language)


def say(language: str, message: str, /, **args: str | int) -> str:
    """A message without formatting, for a button or a menu."""
    return formatted(language, message, (), **args).text


def formatted(
    language: str, message: str, buttons: Sequence[Sequence[Button]] = (), /, **args: str | int
) -> Text:
    """A message with its formatting. Raises KeyError for a message that is in no locale file."""
    bundle, pattern = _bundle(language), _pattern(language, message)
    words = [value for value in args.values() if isinstance(value, str)]
    stand_ins = {word: chr(FIRST_STAND_IN + number) for number, word in enumerate(words)}
    given = {name: _stand_in(name, value, stand_ins) for name, value in args.items()}
    written, errors = bundle.format_pattern(pattern, given)
    if errors:
        raise errors[0]
    back = {ord(stand_in): word for word, stand_in in stand_ins.items()}
    text, spans = _read_markup(str(written), back)
    return Text(text, spans, tuple(tuple(row) for row in buttons))


def with_bold(text: str, places: Sequence[tuple[int, int]]) -> Text:
    """The text with these places in bold. A place is its first character and the one after its last."""
    spans = [Span("bold", utf16_length(text[:start]), utf16_length(text[start:end])) for start, end in places]
    return Text(text, tuple(spans))


def joined(parts: Sequence[Text], *, separator: str = "\n", buttons: Sequence[Sequence[Button]] = ()) -> Text:
    """Joins several texts into one message and keeps their formatting."""
    whole = compose.joined([RichText(part.text, part.spans) for part in parts], separator)
    return Text(whole.text, whole.spans, tuple(tuple(row) for row in buttons))


def _stand_in(name: str, value: str | int, stand_ins: dict[str, str]) -> str | int:
    """Numbers and choices must reach Fluent unchanged, because it decides by them."""
    if isinstance(value, int) or name == "status" or value == "never":
        return value
    return stand_ins[value]


def _read_markup(written: str, people_said: dict[int, str]) -> tuple[str, tuple[Span, ...]]:
    text = ""
    spans: list[Span] = []
    opened: dict[str, int] = {}
    position = 0
    for tag in TAG.finditer(written):
        text += written[position : tag.start()].translate(people_said)
        position = tag.end()
        closing, name = tag.groups()
        if not closing:
            opened[name] = utf16_length(text)
        else:
            start = opened.pop(name)
            value = PRE_LANGUAGE if name == "pre" else None
            spans.append(Span(TAGS[name], start, utf16_length(text) - start, value))
    text += written[position:].translate(people_said)
    return text, tuple(span for span in spans if span.length)


@cache
def _pattern(language: str, message: str) -> Pattern:
    """A message, read when it is needed first: reading all of them takes a tenth of the start. Messages name
    no other messages."""
    bundle = _bundle(language)
    bundle.add_resource(FluentResource(_sources(language)[message]))
    pattern = bundle.get_message(message).value
    if pattern is None:
        raise KeyError(message)
    return pattern


@cache
def _sources(language: str) -> dict[str, str]:
    """The messages as they stand in the locale file, by name."""
    source = (Path(__file__).parents[1] / "locales" / f"{language}.ftl").read_text(encoding="utf-8")
    return {entry.partition(" =")[0]: entry for entry in MESSAGE_START.split(source)[1:]}


@cache
def _bundle(language: str) -> FluentBundle:
    return FluentBundle([language], use_isolating=False)
