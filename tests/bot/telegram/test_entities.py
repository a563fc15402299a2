"""Our spans, as Telegram shows them."""

import subprocess
import sys
from collections.abc import Mapping
from typing import get_args

import pytest

from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.bot.telegram import library
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.files.uploads import File
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.text import Text
from djangobot.db.messages.rich_text.spans import Kind, Span, utf16_length

from ..conftest import met

BEFORE, WORD = "🇩🇪 «é» ", "word 👍🏽"
VALUES: dict[Kind, str] = {"pre": "python", "text_link": "https://example.org/?a=1&b=2"}
VALUE_NAMES = {"pre": "language", "text_link": "url"}
SHOWN: Mapping[Kind, Mapping[str, object]] = {
    "expandable_blockquote": {"type": "blockquote"} | ({"collapsed": True} if library.FORK else {})
}
"""Kinds that Telegram has under another name. That it is collapsed can't be said in Pyrogram's layer."""
CAPTION = File("a.txt", "text/plain", b"x")


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    """One for all tests."""
    return shared_sandbox


def spanned(kind: Kind) -> Text:
    """A text whose WORD has this formatting."""
    span = Span(kind, utf16_length(BEFORE), utf16_length(WORD), VALUES.get(kind))
    return Text(f"{BEFORE}{WORD} after", (span,))


async def shown(sandbox: SandboxProcess, peer: Peer) -> dict[str, object]:
    """The only formatting of the latest message."""
    (entity,) = (await sandbox.messages(peer.id))[-1]["entities"]
    return dict(entity)


@pytest.mark.parametrize("kind", get_args(Kind))
async def test_every_kind_of_span_is_shown_where_it_was_meant(
    client: TelegramClient, sandbox: SandboxProcess, kind: Kind
) -> None:
    """When it is sent, edited in, and written under a file; behind characters of two and more units."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    expected: dict[str, object] = {
        **SHOWN.get(kind, {"type": kind}),
        "offset": utf16_length(BEFORE),
        "length": utf16_length(WORD),
    }
    if kind in VALUES:
        expected[VALUE_NAMES[kind]] = VALUES[kind]
    await gateway.send(peer, spanned(kind), 1)
    assert await shown(sandbox, peer) == expected
    plain = await gateway.send(peer, Text("plain"), 2)
    await gateway.edit(peer, plain, spanned(kind))
    assert await shown(sandbox, peer) == expected
    await gateway.send_file(peer, CAPTION, spanned(kind), 3)
    assert await shown(sandbox, peer) == expected


def test_texts_and_their_rendering_do_without_telegrams_library() -> None:
    """Who makes a text need not load Pyrogram."""
    program = (
        "import sys; import djangobot.bot.rendering.replies, djangobot.bot.delivery.parts; "
        "assert not any(name.partition('.')[0] == 'pyrogram' for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
