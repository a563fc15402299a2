"""Which messages carry buttons to mute, and what stands on top of a message."""

from datetime import UTC, datetime, timedelta

import msgspec

from djangobot.bot.delivery.mute_prompts import MutePrompts
from djangobot.bot.rendering.digest import WHOLE_MOST
from djangobot.bot.rendering.messages import render_message
from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.people.digests import Digest, Share

from ..claimed import claimed

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
MESSAGE = claimed(created=NOW)


def carried(prompts: MutePrompts, seconds: list[int], message: Claimed = MESSAGE) -> list[bool]:
    """Whether those sent at these times carry the buttons; each is tried twice."""
    carried = []
    for second in seconds:
        moment = NOW + timedelta(seconds=second)
        assert prompts.fits(message, moment) == prompts.fits(message, moment)
        carried.append(prompts.fits(message, moment))
        prompts.note(message, moment, offered=carried[-1])
    return carried


def test_the_third_of_a_burst_carries_them_and_none_for_an_hour() -> None:
    """Of each sender in each chat by itself."""
    prompts = MutePrompts()
    assert carried(prompts, [0, 1, 2, 3, 4]) == [False, False, True, False, False]
    other = msgspec.structs.replace(MESSAGE, account_id=8)
    assert carried(prompts, [5, 6, 7], other) == [False, False, True]
    assert carried(prompts, [3700, 3701, 3702]) == [False, False, True]


def test_who_writes_now_and_then_is_left_alone() -> None:
    """Three in more than ten minutes are no burst; our own notices are no sender's."""
    assert carried(MutePrompts(), [0, 400, 800, 1200]) == [False] * 4
    notice = msgspec.structs.replace(MESSAGE, kind="digest", account_id=None)
    assert carried(MutePrompts(), [0, 1, 2, 3], notice) == [False] * 4


def test_a_late_message_says_when_it_was_written_on_the_persons_clock() -> None:
    """One in time does not: Telegram shows that itself."""
    (text,) = render_message(MESSAGE, NOW + timedelta(minutes=5))
    assert text.text == "Fedor · ci\nhello"
    berlin = msgspec.structs.replace(MESSAGE, settings='{"zone":"Europe/Berlin"}')
    (text,) = render_message(berlin, NOW + timedelta(minutes=6))
    assert text.text == "Fedor · ci · 23.11.2026 06:00\nhello"


def test_a_digest_leads_to_each_message_that_it_cuts() -> None:
    """A few of them; what stands there whole needs no button."""
    share = Share("", "ci", 40, ["x" * 200, "short", *["y" * 200] * 20], list(range(7, 29)))
    notice = msgspec.structs.replace(
        MESSAGE, kind="digest", text=msgspec.json.encode(Digest([share])).decode()
    )
    (part,) = render_message(notice, NOW)
    *pairs, history = [[button.data for button in row] for row in part.buttons]
    assert [data for row in pairs for data in row] == [
        "full:7",
        *(f"full:{number}" for number in range(9, 9 + WHOLE_MOST - 1)),
    ]
    assert history == ["history"]
    assert "[1] xxx" in part.text
    assert "· short" in part.text
