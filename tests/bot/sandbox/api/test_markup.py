"""Keyboards: what Telegram takes, and every kind of inline button in both layers."""

from typing import Any, cast

import pytest

from djangobot.bot.sandbox.api import markup
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.mtproto import schema

from ..pyrogram_bot import Bot, raw


class BotCall:
    """As much of a call as the rules look at."""

    class user:
        id = 7
        bot = True


CALL = cast(Call, BotCall())


def keyboard(**button: Any) -> dict[str, Any]:
    """A keyboard of one button."""
    rows = [{"_": "keyboardButtonRow", "buttons": [{"text": "x", **button}]}]
    return {"_": "replyInlineMarkup", "rows": rows}


def test_button_data_has_1_to_64_bytes() -> None:
    """BUTTON_DATA_INVALID otherwise."""
    assert markup.stored(CALL, keyboard(_="keyboardButtonCallback", data=b"x" * 64))
    for data in (b"", b"x" * 65):
        with pytest.raises(RpcError, match="BUTTON_DATA_INVALID"):
            markup.stored(CALL, keyboard(_="keyboardButtonCallback", data=data))


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://example.org/a?b#c", "https://example.org/a?b#c"),
        ("example.org", "http://example.org"),
        ("tg://resolve?domain=x", "tg://resolve?domain=x"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
        ("http://localhost:8000/", None),
        ("mailto:a@example.org", None),
        ("javascript:alert(1)", None),
        ("https://exam ple.org", None),
        ("https://", None),
        ("", None),
    ],
)
def test_a_buttons_address_is_http_or_telegrams(address: str, kept: str | None) -> None:
    """BUTTON_URL_INVALID otherwise, as for a host that only this machine knows."""
    button = keyboard(_="keyboardButtonUrl", url=address)
    if kept is None:
        with pytest.raises(RpcError, match="BUTTON_URL_INVALID"):
            markup.stored(CALL, button)
    else:
        stored = markup.stored(CALL, button)
        assert stored is not None
        assert stored["rows"][0][0]["url"] == kept


KINDS = [
    {"kind": "callback", "text": "x", "data": b"x"},
    {"kind": "url", "text": "x", "url": "https://example.org"},
    {"kind": "login_url", "text": "x", "url": "https://example.org"},
    {"kind": "web_app", "text": "x", "url": "https://example.org"},
    {"kind": "user", "text": "x", "user_id": 7},
    {"kind": "switch_inline", "text": "x", "query": "q"},
    {"kind": "copy", "text": "x", "copy": "text"},
]


@pytest.mark.parametrize("button", KINDS, ids=lambda button: button["kind"])
def test_every_kind_of_button_is_written_in_every_layer(button: dict[str, Any]) -> None:
    """A layer without copy buttons shows a plain one."""
    for layer in schema.layers():
        known = schema.schema_for(layer)
        shown = markup.shown({"kind": "inline", "rows": [[button]]}, known)
        assert shown is not None
        assert known.write(shown)


async def test_login_and_user_buttons_are_kept_by_their_kind(bot: Bot) -> None:
    """The page and the JSON API tell what they are."""
    me = await bot.client.resolve_peer(bot.person)
    user = raw.types.InputUser(user_id=me.user_id, access_hash=me.access_hash)
    buttons = [
        raw.types.InputKeyboardButtonUrlAuth(
            text="Sign in", url="https://example.org", bot=raw.types.InputUserSelf()
        ),
        raw.types.InputKeyboardButtonUserProfile(text="Ann", user_id=user),
    ]
    rows = [raw.types.KeyboardButtonRow(buttons=buttons)]
    await bot.send("who?", 1, reply_markup=raw.types.ReplyInlineMarkup(rows=rows))
    assert (await bot.shown())[-1]["buttons"] == [
        [
            {"kind": "login_url", "text": "Sign in", "url": "https://example.org"},
            {"kind": "user", "text": "Ann", "user_id": bot.person},
        ]
    ]


REQUESTS: list[dict[str, Any]] = [
    {"kind": "text", "text": "x"},
    {"kind": "contact", "text": "x"},
    {"kind": "location", "text": "x"},
    {"kind": "poll", "text": "x", "quiz": True},
    {"kind": "web_app", "text": "x", "url": "https://example.org"},
]


async def test_buttons_that_ask_for_something_keep_their_kind(bot: Bot) -> None:
    """As they were sent, as the JSON API tells, and in every layer."""
    buttons = [
        raw.types.KeyboardButton(text="x"),
        raw.types.KeyboardButtonRequestPhone(text="x"),
        raw.types.KeyboardButtonRequestGeoLocation(text="x"),
        raw.types.KeyboardButtonRequestPoll(text="x", quiz=True),
        raw.types.KeyboardButtonSimpleWebView(text="x", url="https://example.org"),
    ]
    rows = [raw.types.KeyboardButtonRow(buttons=buttons)]
    sent = await bot.send("which?", 1, reply_markup=raw.types.ReplyKeyboardMarkup(rows=rows))
    shown = (await bot.shown())[-1]
    assert shown["keyboard_kinds"] == [[button["kind"] for button in REQUESTS]]
    [came] = [update.message for update in sent.updates if hasattr(update, "message")]
    assert [type(button) for button in came.reply_markup.rows[0].buttons] == [type(b) for b in buttons]
    for layer in schema.layers():
        known = schema.schema_for(layer)
        written = markup.shown({"kind": "reply", "rows": [REQUESTS]}, known)
        assert written is not None
        assert known.write(written)
