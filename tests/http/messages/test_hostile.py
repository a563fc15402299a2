"""Hostile messages: each is accepted whole and can be shown, or is refused with a sentence. Nothing of what
was refused is kept."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from djangobot.bot.rendering.messages import render_message
from djangobot.db.delivery import claims, scheduled_messages
from djangobot.db.engine import current
from djangobot.db.messages.files import file_storage

from ..conftest import Api

FORM = {"content-type": "multipart/form-data; boundary=x"}
DEEP = 100_000
BOMBS: dict[str, bytes] = {
    "a list in a list in a list": b'{"text":"x","buttons":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "an object in an object": b'{"text":"x","files":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "a number of a million digits": b'{"text":"x","delay":' + b"9" * 1_000_000 + b"}",
    "a number beyond all": b'{"text":"x","progress":1e400}',
    "no number": b'{"text":"x","delay":NaN}',
    "half a character": b'{"text":"\\ud83d"}',
    "bytes that are no text": b'{"text":"\xff\xfe"}',
    "NUL": b'{"text":"a\\u0000b"}',
    "a field twice": b'{"text":"x","text":"y","ttl":-1}',
    "a million fields": b'{"text":"x"' + b"".join(b',"f%d":1' % n for n in range(100_000)) + b"}",
    "two values": b'{"text":"x"}{"text":"y"}',
    "a million buttons": b'{"text":"x","buttons":[[' + b'{"text":"a","value":"a"},' * 20_000 + b"{}]]}",
    "a thousand files": b'{"text":"x","files":[' + b'{"name":"a","base64":"YQ=="},' * 1000 + b"{}]}",
    "bytes that end early": b'{"text":"x","files":[{"name":"a","base64":"YQ==',
    "the same bytes for ever": b'{"files":[{"name":"a.zip","base64":"' + b"UEsDBAoAAAAA" * 90_000 + b'="}]}',
}
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 0.5, 1.5, 2**31, 2**63, 2**64, -(2**70), 1e308, "", " ", "x", "k",
    "\x00", "\u202e",
    "a\u202eb", "\ufeff", "../..", "..", "a/b", "a\\b", "a\nb", "x" * 64, "x" * 65, "x" * 201,
    "я" * 64, "👨‍👩‍👧" * 30,
    "<b>", "</b>" * 50, "**" * 500, "[" * 1000, "`" * 1000, "||" * 200, "| a |\n|--|\n" * 50,
    "&#0;&#xD800;", "#tag",
    "2027-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "plain", "markdown", "html",
    "Text", "File", "Document", [], [[]], [[], []], {}, {"text": "x"}, ["a"], ["a"] * 9, ["a b"], ["\x00"],
    [[{"text": "x", "value": "y"}]], [[{"text": "x", "url": "javascript:alert(1)"}]],
    [[{"text": "x", "url": "https://[::1"}]], [[{"text": "\u202e", "value": "y"}]], [[{"text": "x"}]],
    [[{"text": "x", "value": "y", "url": "https://a"}]], [[{"text": "x", "value": "v" * 65}]],
    [{"name": "../../etc/passwd", "base64": "YQ=="}], [{"name": "a\u202egpj.exe", "base64": "YQ=="}],
    [{"name": "\x00", "base64": "YQ=="}], [{"name": "." * 300, "base64": "YQ=="}], [{"name": "a",
    "base64": "===="}],
]  # fmt: skip
FIELDS = (
    "text", "type", "format", "title", "tags", "silent", "preview", "urgent", "ttl", "files",
    "buttons", "replace",
    "progress", "reply_to", "delay", "send_at", "unknown",
)  # fmt: skip
MESSAGES = 400
SEED = random.randrange(2**32)


@pytest.fixture
async def token(api: Api) -> str:
    """A bot token, whose notice is out of the way."""
    token = await api.bot_token(await api.access())
    await api.deliver()
    return token


async def kept(folder: Path) -> tuple[int, int, int]:
    """Messages, rows of files, and files on disk."""
    (row,) = await current().fetch(
        "SELECT (SELECT COUNT(*) FROM message WHERE kind IN ('message', 'edit')) AS messages,"
        " (SELECT COUNT(*) FROM file) AS files"
    )
    return row["messages"], row["files"], len(file_storage.names(folder))


async def post(api: Api, token: str, body: bytes, **headers: str) -> httpx.Response:
    known = {
        "authorization": f"Bearer {token}",
        "prefer": "respond-async",
        "content-type": "application/json",
    }
    return await api.client.post("/api/send_message", content=body, headers={**known, **headers})


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_is_refused_with_a_sentence_and_nothing_is_kept(
    api: Api, token: str, folder: Path, bomb: str
) -> None:
    """As a body of JSON. The next call is served as ever."""
    answer = await post(api, token, BOMBS[bomb])
    assert answer.status_code in (400, 413), answer.text
    assert answer.json()["answer"].endswith(".")
    assert await kept(folder) == (0, 0, 0)
    assert (await post(api, token, b'{"text":"x"}')).status_code == 202


def part(name: str, value: Any) -> bytes:
    """A field of a form, as programs write it: lists as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + text.encode("utf-8", "surrogatepass") + b"\r\n"


def bodies() -> Iterator[tuple[bytes, dict[str, str]]]:
    """Messages of a few odd fields, as JSON and as forms."""
    dice = random.Random(SEED)
    for number in range(MESSAGES):
        names = dice.sample(FIELDS, dice.choice([1, 1, 2, 3]))
        message: dict[str, Any] = {"text": "x", **{name: dice.choice(ODD) for name in names}}
        if number % 3:
            yield json.dumps(message).encode(), {}
        else:
            yield b"".join(part(*field) for field in message.items()) + b"--x--\r\n", FORM


async def test_odd_fields_are_refused_or_can_be_shown(api: Api, token: str, folder: Path) -> None:
    """No answer is a fault of ours. What was accepted is claimed and rendered, now or at its time; all files
    that are kept belong to a message."""
    print("seed", SEED)
    accepted = 0
    for body, headers in bodies():
        answer = await post(api, token, body, **headers)
        assert answer.status_code in (202, 400, 413), (answer.status_code, answer.text, body[:500])
        assert answer.json()["answer"].endswith(".") or answer.status_code == 202, answer.text
        accepted += answer.status_code == 202
    assert 0 < accepted < MESSAGES
    for ahead in (timedelta(0), timedelta(days=367)):
        now = datetime.now(UTC) + ahead
        await scheduled_messages.queue_due(now)
        while claimed := await claims.claim(now, limit=100):
            assert all(render_message(message, now) for message in claimed)
            await current().execute("UPDATE message SET status = 'sent' WHERE status = 'sending'")
    messages, rows, on_disk = await kept(folder)
    assert messages == accepted
    assert rows == on_disk
    (row,) = await current().fetch("SELECT COUNT(*) AS strays FROM file WHERE message IS NULL")
    assert row["strays"] == 0
