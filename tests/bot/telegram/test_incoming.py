"""What Telegram tells the bot, read into our own values."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pyrogram import raw

from djangobot.bot.telegram import incoming
from djangobot.bot.telegram.gateway import Peer
from djangobot.bot.telegram.incoming import BotStopped, Callback, GroupMessage, Incoming, Message, Person

tl: Any = raw.types
"""Pyrogram's annotations of what its objects are made of are wrong."""
ANN = 5_000_000_001
USER = tl.User(id=ANN, access_hash=-7, first_name="Ann", last_name="Lee", username="ann", lang_code="ru")
KNOWN = Person(-7, "Ann", "Lee", "ann", "ru")
WRITTEN = datetime(2026, 11, 24, 16, tzinfo=UTC)
CHANNEL = tl.Channel(id=12, title="c", photo=None, date=0, access_hash=9)


def written(peer: Any = None, **rest: Any) -> Any:
    """An update with a message by Ann."""
    message = tl.Message(
        **{
            "id": 3,
            "peer_id": peer or tl.PeerUser(user_id=ANN),
            "from_id": tl.PeerUser(user_id=ANN),
            "date": int(WRITTEN.timestamp()),
            "message": "hi",
        }
        | rest
    )
    return tl.UpdateNewMessage(message=message, pts=1, pts_count=1)


@pytest.mark.parametrize(
    ("user", "person"),
    [
        (USER, KNOWN),
        (tl.User(id=ANN), Person()),
        (tl.UserEmpty(id=ANN), Person()),
        (None, None),
    ],
)
def test_a_message_names_its_writer_as_far_as_telegram_does(user: Any, person: Person | None) -> None:
    """Names and the access hash may be missing one by one, or with the whole user."""
    users = {} if user is None else {ANN: user}
    assert incoming.read(written(), users) == Message(3, ANN, person, "hi", WRITTEN)


@pytest.mark.parametrize(
    "media",
    [tl.MessageMediaPhoto(), tl.MessageMediaDocument(), tl.MessageMediaGeo(geo=tl.GeoPointEmpty())],
)
def test_what_has_no_text_is_a_message_without_text(media: Any) -> None:
    """Stickers, photos, voice and places."""
    read = incoming.read(written(message="", media=media), {ANN: USER})
    assert isinstance(read, Message)
    assert read.text == ""


@pytest.mark.parametrize(
    ("peer", "users", "expected"),
    [
        (tl.PeerChat(chat_id=11), {}, Peer(11, 0, "group")),
        (tl.PeerChannel(channel_id=12), {}, Peer(12, 0, "channel")),
        (
            tl.PeerChannel(channel_id=12),
            {-12: CHANNEL},
            Peer(12, 9, "channel"),
        ),
    ],
)
def test_groups_and_channels_are_told_apart_from_people(
    peer: Any, users: dict[int, Any], expected: Peer
) -> None:
    """With the hash that answering there needs, and the writer's language if it is known."""
    assert incoming.read(written(peer), users) == GroupMessage(expected, "")
    assert incoming.read(written(peer), users | {ANN: USER}) == GroupMessage(expected, "ru")


def test_a_pressed_button_says_which_one_it_was() -> None:
    """Bytes that are no text do not stop the bot."""
    pressed = tl.UpdateBotCallbackQuery(
        query_id=5, user_id=ANN, peer=tl.PeerUser(user_id=ANN), msg_id=6, chat_instance=1, data=b"mute:\xff"
    )
    assert incoming.read(pressed, {ANN: USER}) == Callback(5, ANN, KNOWN, "mute:\ufffd", 6)


@pytest.mark.parametrize("stopped", [True, False])
def test_stopping_and_starting_the_bot_is_told(stopped: bool) -> None:
    """It blocks and unblocks the chat."""
    update = tl.UpdateBotStopped(user_id=ANN, date=0, stopped=stopped, qts=1)
    assert incoming.read(update, {}) == BotStopped(ANN, stopped)


@pytest.mark.parametrize(
    "update",
    [
        written(out=True),
        tl.UpdateNewMessage(message=tl.MessageEmpty(id=1), pts=1, pts_count=1),
        tl.UpdateNewMessage(
            message=tl.MessageService(
                id=1, peer_id=tl.PeerUser(user_id=ANN), date=0, action=tl.MessageActionEmpty()
            ),
            pts=1,
            pts_count=1,
        ),
        tl.UpdateDeleteMessages(messages=[1], pts=1, pts_count=1),
    ],
)
def test_what_asks_for_no_answer_is_nothing(update: Any) -> None:
    """Our own messages, service messages, deletions."""
    read: Incoming | None = incoming.read(update, {ANN: USER})
    assert read is None
