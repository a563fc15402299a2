"""What people read: right in both languages, to the letter, within Telegram's limits."""

import ast as python
import re
from pathlib import Path

import pytest
from fluent.runtime import FluentResource
from fluent.syntax import ast

from djangobot.bot.dispatch.commands import COMMANDS
from djangobot.bot.rendering import replies
from djangobot.bot.rendering.humanize import shown_code
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Text
from djangobot.db.people.chat_settings import LANGUAGES, language_of

BOT = Path(__file__).resolve().parents[3] / "bot"


def messages(language: str) -> dict[str, set[str]]:
    """Each message of a locale with the variables it uses."""
    resource = FluentResource((BOT / "locales" / f"{language}.ftl").read_text(encoding="utf-8"))
    assert not [entry for entry in resource.body if isinstance(entry, ast.Junk)]
    found = {}
    for entry in resource.body:
        if isinstance(entry, ast.Message):
            found[entry.id.name] = set(
                re.findall(r"'VariableReference'.*?'name': '(\w+)'", str(entry.to_json()))
            )
    return found


def covered(text: Text) -> dict[str, str]:
    """What each span covers, by its kind, read back in UTF-16 as Telegram does."""
    units = text.text.encode("utf-16-le")
    return {
        span.kind: units[span.offset * 2 : (span.offset + span.length) * 2].decode("utf-16-le")
        for span in text.spans
    }


def test_both_languages_say_the_same_things() -> None:
    """No message is missing in one of them."""
    english, russian = messages("en"), messages("ru")
    assert english.keys() == russian.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_can_be_read_alone(language: str) -> None:
    """Each is parsed by itself, when it is said first: none names another one, and none is cut in two."""
    resource = FluentResource((BOT / "locales" / f"{language}.ftl").read_text(encoding="utf-8"))
    for entry in resource.body:
        if isinstance(entry, ast.Message):
            assert not re.search(r"'(Message|Term)Reference'", str(entry.to_json())), entry.id.name
            read = FluentResource(replies._sources(language)[entry.id.name]).body
            (alone,) = [one for one in read if isinstance(one, ast.Message)]
            assert alone.equals(entry, ignored_fields=["span", "comment"]), entry.id.name


def test_every_message_is_used() -> None:
    """No text lies about that nobody reads."""
    code = "\n".join(path.read_text() for path in BOT.rglob("*.py"))
    assert [name for name in messages("en") if f'"{name}"' not in code] == []


def test_every_message_that_is_said_is_there() -> None:
    """Whatever is named in the code where words are made of a name stands in the locales."""
    said = set()
    for path in BOT.rglob("*.py"):
        for node in python.walk(python.parse(path.read_text())):
            if isinstance(node, python.Call) and getattr(node.func, "id", "") in ("formatted", "say"):
                named = list(python.walk(node.args[1])) if len(node.args) > 1 else []
                asked = {
                    id(part)
                    for name in named
                    if isinstance(name, python.Compare)
                    for part in python.walk(name)
                }
                said |= {
                    name.value
                    for name in named
                    if isinstance(name, python.Constant)
                    and isinstance(name.value, str)
                    and id(name) not in asked
                }
    assert len(said) > 20
    assert sorted(said - messages("en").keys()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_described(language: str) -> None:
    """Telegram allows a description of 1 to 256 characters."""
    for command in COMMANDS:
        assert 0 < len(say(language, command.description)) <= 256


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "1 токен"), (2, "2 токена"), (5, "5 токенов"), (11, "11 токенов"), (21, "21 токен")],
)
def test_russian_plurals_are_right(count: int, words: str) -> None:
    """One, few, many."""
    assert f"{words}." in say("ru", "tokens-title", count=count)


def test_peoples_words_are_shown_to_the_letter() -> None:
    """A name with tags, entities or braces is not markup."""
    name = "<b>Bobby</b> &amp; { $code } 😀"
    text = formatted("en", "account-removed", account=name)
    assert name in text.text
    assert covered(text) == {"bold": name}


def test_the_code_can_be_copied_with_a_tap() -> None:
    """The code stands in a code entity, alone."""
    text = formatted("ru", "code", code=shown_code("0123456789"), minutes=10)
    assert covered(text)["code"] == "012 345 6789"


def test_joined_texts_keep_their_formatting() -> None:
    """Offsets move with the text before them, counted in UTF-16."""
    text = joined([Text("😀😀"), formatted("en", "help-title")])
    assert covered(text) == {"bold": "What I can do"}


@pytest.mark.parametrize(
    ("code", "language"),
    [("ru", "ru"), ("ru-RU", "ru"), ("en-GB", "en"), ("de", "en"), ("", "en"), (None, "en")],
)
def test_people_get_their_language_or_english(code: str | None, language: str) -> None:
    """By what their Telegram says."""
    assert language_of(code) == language
