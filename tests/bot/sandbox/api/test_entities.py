"""Telegram's rules for entities: bounds, nesting, and those that it finds by itself."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.sandbox.api import entities, text
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.testing import SandboxProcess

from ....growth import GROWTH_LIMIT, growth
from ..probe import Probe
from ..pyrogram_bot import Bot, raw


class BotCall:
    """As much of a call as the rules look at."""

    class user:
        bot = True


CALL = cast(Call, BotCall())


def span(kind: str, offset: int, length: int, **rest: Any) -> dict[str, Any]:
    """An entity of a short name."""
    return {"_": f"messageEntity{kind}", "offset": offset, "length": length, **rest}


def short(found: tuple[dict[str, Any], ...] | list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """(short name, offset, length) of each."""
    return [(e["_"].removeprefix("messageEntity"), e["offset"], e["length"]) for e in found]


@pytest.mark.parametrize(("offset", "length"), [(-1, 2), (0, -1), (0, 4), (4, 1), (1, 1), (0, 1)])
def test_entities_outside_the_text_or_inside_a_pair_are_refused(offset: int, length: int) -> None:
    """Offsets are UTF-16 units: half an emoji is out of bounds."""
    with pytest.raises(RpcError, match="ENTITY_BOUNDS_INVALID"):
        text.checked(CALL, "😀a", [span("Bold", offset, length)])
    kept = [span("Bold", 0, 2), span("Bold", 2, 1)]
    assert text.checked(CALL, "😀a", kept)[1] == tuple(kept)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (
            "😀 /start@my_bot https://example.org/a?b=1. @durov #tag a/b x@y.org",
            [
                ("BotCommand", 3, 13),
                ("Url", 17, 25),
                ("Mention", 44, 6),
                ("Hashtag", 51, 4),
                ("Email", 60, 7),
            ],
        ),
        ("see example.com/a?b=1, docs.python.org.", [("Url", 4, 17), ("Url", 23, 15)]),
        ("pyproject.toml setup.py v1.2.3 e.g. 3.5 me@x", []),
        ("tg://resolve?domain=x ftp://a.b/c", [("Url", 0, 21), ("Url", 22, 11)]),
        ("#дом #1 #1a a#b ##c", [("Hashtag", 0, 4), ("Hashtag", 8, 3)]),
        ("$USD $usd a$USD", [("Cashtag", 0, 4)]),
        ("+1 (212) 555-0123 +12 1+2", [("Phone", 0, 17)]),
        ("https://x.com/#a/@bcdef", [("Url", 0, 23)]),
    ],
)
def test_telegram_finds_links_commands_tags_and_more_by_itself(
    content: str, found: list[tuple[str, int, int]]
) -> None:
    """In UTF-16 units; a word with a point is a link when it ends as a domain does."""
    assert short(entities.automatic(content)) == found


def test_what_telegram_finds_itself_is_not_taken_from_the_client() -> None:
    """A hashtag that is none stays text; one within bold is found, one within code or a link is not."""
    content = "#a #b #c #d plain"
    given_ones = [
        span("Hashtag", 12, 5),
        span("Bold", 0, 2),
        span("Code", 3, 2),
        span("TextUrl", 6, 2, url="https://example.org"),
    ]
    assert short(text.checked(CALL, content, given_ones)[1]) == [
        ("Bold", 0, 2),
        ("Hashtag", 0, 2),
        ("Code", 3, 2),
        ("TextUrl", 6, 2),
        ("Hashtag", 9, 2),
    ]


def test_nothing_lies_within_code_and_no_quote_within_a_quote() -> None:
    """Styles are cut around code, links in it are dropped, the outer quote stays."""
    content = "0123456789"
    given_ones = [
        span("Bold", 0, 10),
        span("Code", 3, 4),
        span("Italic", 4, 2),
        span("TextUrl", 5, 1, url="https://example.org"),
        span("Blockquote", 0, 9),
        span("Blockquote", 2, 2),
    ]
    assert sorted(short(text.checked(CALL, content, given_ones)[1])) == [
        ("Blockquote", 0, 9),
        ("Bold", 0, 3),
        ("Bold", 7, 3),
        ("Code", 3, 4),
    ]


def test_a_hundred_entities_count() -> None:
    """The first ones; those that Telegram finds itself come after them."""
    content = "#a " * 200
    bold = [span("Bold", 3 * number, 2) for number in range(150)]
    kept = text.checked(CALL, content, bold)[1]
    assert short(kept) == [("Bold", 3 * number, 2) for number in range(100)]
    assert len(entities.automatic(content.strip())) == 100


@pytest.mark.parametrize("content", ["#a 😀", "a.", "@", "+1 ", "/a"])
def test_a_text_full_of_tags_is_read_in_time(content: str) -> None:
    """Up to 4 096 characters of the dearest kinds take time as they get longer, and no more."""
    assert growth(entities.automatic, lambda count: content * count, 512) <= GROWTH_LIMIT


KINDS = st.sampled_from(["Bold", "Code", "Pre", "Blockquote", "Spoiler", "TextUrl"])
SPANS = st.lists(st.tuples(KINDS, st.integers(0, 40), st.integers(0, 40)), max_size=12)


@given(st.text(max_size=40), SPANS)
def test_kept_entities_nest_whatever_is_sent(content: str, spans: list[tuple[str, int, int]]) -> None:
    """Each lies within the text, none within code, and none is empty."""
    end = entities.units(content)
    sent = [span(kind, at, max(0, min(length, end - at)), url="x") for kind, at, length in spans if at <= end]
    try:
        kept, found = text.checked(CALL, content, sent)
    except RpcError:
        return
    code = [e for e in found if e["_"] in ("messageEntityCode", "messageEntityPre")]
    for entity in found:
        last = entity["offset"] + entity["length"]
        assert 0 <= entity["offset"] < last <= entities.units(kept)
        if entity in code or entity["_"] == "messageEntityBlockquote":
            continue
        for block in code:
            assert last <= block["offset"] or entity["offset"] >= block["offset"] + block["length"]


async def test_quotes_are_collapsed_in_layer_229_alone(
    shared_sandbox: SandboxProcess, new_id: Callable[[], int]
) -> None:
    """What is stored keeps the flag; layer 158 reads the same quote without it."""
    number, person = new_id(), await shared_sandbox.person(id=new_id())
    quote = {"_": "messageEntityBlockquote", "collapsed": True, "offset": 0, "length": 5}
    peer = {"_": "inputPeerUser", "user_id": person, "access_hash": 0}
    request = {"_": "messages.sendMessage", "peer": peer, "message": "quote", "random_id": 1}
    async with Probe(shared_sandbox, layer=229) as newer:
        await newer.sign_in(number)
        await shared_sandbox.say(person, "/start", number)
        await newer.call({**request, "entities": [quote]})
    [shown] = (await shared_sandbox.messages(person, bot=number))[-1]["entities"]
    assert shown == {"type": "blockquote", "collapsed": True, "offset": 0, "length": 5}
    async with Probe(shared_sandbox) as older:
        await older.sign_in(number)
        newest = {"_": "messages.getMessages", "id": [{"_": "inputMessageID", "id": 2}]}
        [message] = (await older.call(newest))["messages"]
    assert message["entities"] == [span("Blockquote", 0, 5)]


async def test_every_kind_of_entity_arrives_in_layer_158(bot: Bot) -> None:
    """Sent by Pyrogram, shown with the Bot API's names."""
    marked = raw.types
    me = await bot.client.resolve_peer(bot.person)
    user = marked.InputUser(user_id=me.user_id, access_hash=me.access_hash)
    sent = [
        marked.MessageEntityBold(offset=0, length=1),
        marked.MessageEntityItalic(offset=1, length=1),
        marked.MessageEntityUnderline(offset=2, length=1),
        marked.MessageEntityStrike(offset=3, length=1),
        marked.MessageEntitySpoiler(offset=4, length=1),
        marked.MessageEntityCode(offset=5, length=1),
        marked.MessageEntityPre(offset=6, length=1, language="python"),
        marked.MessageEntityTextUrl(offset=7, length=1, url="https://example.org"),
        marked.MessageEntityBlockquote(offset=8, length=1),
        marked.InputMessageEntityMentionName(offset=9, length=1, user_id=user),
    ]
    await bot.send("0123456789 #tag", 1, entities=sent)
    shown = (await bot.shown())[-1]["entities"]
    assert [(entity["type"], entity["offset"]) for entity in shown] == [
        ("bold", 0),
        ("italic", 1),
        ("underline", 2),
        ("strikethrough", 3),
        ("spoiler", 4),
        ("code", 5),
        ("pre", 6),
        ("text_link", 7),
        ("blockquote", 8),
        ("text_mention", 9),
        ("hashtag", 11),
    ]
    assert (shown[6]["language"], shown[7]["url"], shown[9]["user_id"]) == (
        "python",
        "https://example.org",
        bot.person,
    )
