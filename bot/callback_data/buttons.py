"""Callback data: what each kind of button sends when it is pressed, as a typed value.

Anybody can write a Telegram client that sends any data. So every field has a bound, which is checked when the
data are parsed.
"""

from typing import Annotated, Literal

from msgspec import Meta

from djangobot.bot.callback_data.packing import MOST, Number, Packed
from djangobot.db.people.chat_settings import Language, QuietMode

DATA_LIMIT = 64
"""Bytes of a button's data (core.telegram.org/bots/api#inlinekeyboardbutton)."""
SenderId = Annotated[int, Meta(ge=-MOST, le=MOST)]
"""The number of an account; negative for a token of a chat's own."""
Page = Annotated[int, Meta(ge=0, le=999_999)]
Day = Annotated[int, Meta(ge=0, le=999_999)]
"""As `date.toordinal` counts, until the year 2738; 0 for any day."""
Digits = Annotated[str, Meta(pattern=r"^([0-9]{10}|[0-9]{20})\Z")]
"""A code."""
TokenPrefix = Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{1,4}\Z")]
SenderKey = Annotated[str, Meta(pattern=r"^[a-z-]{1,20}\Z")]
Place = Literal["start", "code"]
"""A code is shown under the greeting of /start, or by itself."""
Way = Literal["", "<", ">"]
"""From a message to older or to newer ones; empty for the newest."""
Background = Literal["dark", "light"]


class CallbackData(Packed, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What one kind of button sends."""

    def pack(self) -> str:
        """The data of a button. Raises ValueError when they are longer than Telegram allows."""
        data = super().pack()
        if len(data.encode()) > DATA_LIMIT:
            raise ValueError(f"a button's data have {DATA_LIMIT} bytes at most: {data}")
        return data


class ShowCall(CallbackData, frozen=True, tag="curl"):
    place: Place
    code: Digits


class ShowCode(CallbackData, frozen=True, tag="code"):
    place: Place
    code: Digits


class AskOwnToken(CallbackData, frozen=True, tag="own_token"):
    pass


class ListTokens(CallbackData, frozen=True, tag="tokens"):
    page: Page = 0


class OpenToken(CallbackData, frozen=True, tag="token"):
    token: Number


class AskTokenName(CallbackData, frozen=True, tag="token_name"):
    token: Number


class PauseToken(CallbackData, frozen=True, tag="token_pause"):
    token: Number
    paused: bool


class AskTokenLimit(CallbackData, frozen=True, tag="token_limits"):
    token: Number


class LimitToken(CallbackData, frozen=True, tag="token_limit"):
    """Messages in any minute; 0 for no limit."""

    token: Number
    a_minute: Annotated[int, Meta(ge=0, le=1000)]


class AskTokenExpiry(CallbackData, frozen=True, tag="token_expiries"):
    token: Number


class ExpireToken(CallbackData, frozen=True, tag="token_expiry"):
    """Days from now; 0 for never."""

    token: Number
    days: Annotated[int, Meta(ge=0, le=1000)]


class AskRotateToken(CallbackData, frozen=True, tag="token_new"):
    token: Number


class RotateToken(CallbackData, frozen=True, tag="token_new_sure"):
    """The prefix is the token's at the time of the question: a second press changes nothing."""

    token: Number
    prefix: TokenPrefix


class RefuseUrgent(CallbackData, frozen=True, tag="token_urgent"):
    token: Number
    refuses: bool


class ListSenders(CallbackData, frozen=True, tag="token_how"):
    token: Number


class ShowSender(CallbackData, frozen=True, tag="token_how_to"):
    """The program by its key in bot/rendering/snippets.py."""

    token: Number
    sender: SenderKey


class OpenTokenSecret(CallbackData, frozen=True, tag="token_secret"):
    token: Number


class MakeTokenSecret(CallbackData, frozen=True, tag="token_secret_new"):
    """The version is the secret's at the time of the question: a second press changes nothing."""

    token: Number
    version: Number


class AskTokenSecret(CallbackData, frozen=True, tag="token_secret_own"):
    token: Number


class RemoveTokenSecret(CallbackData, frozen=True, tag="token_secret_off"):
    token: Number


class AskRevokeToken(CallbackData, frozen=True, tag="revoke"):
    token: Number


class RevokeToken(CallbackData, frozen=True, tag="revoke_sure"):
    token: Number


class UnrevokeToken(CallbackData, frozen=True, tag="unrevoke"):
    token: Number


class HistoryPage(CallbackData, frozen=True, tag="page"):
    """The messages older or newer than the one of this time (microseconds since 1970) and number. `token` is
    0 for all senders."""

    way: Way = ""
    time: Number = 0
    message: Number = 0
    token: Number = 0
    day: Day = 0


class HistorySenders(CallbackData, frozen=True, tag="senders"):
    """The senders to choose from, without the first `skipped`."""

    skipped: Page = 0
    day: Day = 0


class HistoryDays(CallbackData, frozen=True, tag="days"):
    """The days to choose from, before this one."""

    before: Day = 0
    token: Number = 0


class HistoryTags(CallbackData, frozen=True, tag="tags"):
    """The tags to choose from, without the first `skipped`."""

    skipped: Page = 0


class TagPage(CallbackData, frozen=True, tag="tagged"):
    """The messages with a tag, older or newer than the one of this number. The tag is named by one of its
    entries."""

    tag: Number
    way: Way = ""
    message: Number = 0


class ShowFull(CallbackData, frozen=True, tag="full"):
    message: Number


class ShowHistory(CallbackData, frozen=True, tag="history"):
    pass


class ListScheduled(CallbackData, frozen=True, tag="scheduled"):
    page: Page = 0


class CancelScheduled(CallbackData, frozen=True, tag="scheduled_cancel"):
    """The page is the one to show then."""

    message: Number
    page: Page = 0


class SendScheduledNow(CallbackData, frozen=True, tag="scheduled_now"):
    """The page is the one to show then."""

    message: Number
    page: Page = 0


class SearchPage(CallbackData, frozen=True, tag="search"):
    search: Number
    way: Literal["<", ">"]
    message: Number


class WriteExport(CallbackData, frozen=True, tag="export"):
    format: Literal["csv", "jsonl"]


class DrawStats(CallbackData, frozen=True, tag="stats"):
    background: Background


MuteSpan = Literal["1", "8", "tomorrow"]
"""Hours, or until tomorrow morning."""


class ListMutes(CallbackData, frozen=True, tag="mutes"):
    pass


class AskMute(CallbackData, frozen=True, tag="mute_ask"):
    sender: SenderId


class Mute(CallbackData, frozen=True, tag="mute"):
    sender: SenderId
    span: MuteSpan


class Unmute(CallbackData, frozen=True, tag="unmute"):
    sender: SenderId


class MuteHere(CallbackData, frozen=True, tag="mute_here"):
    """Under a message. `message` is its row, for one that has buttons of its program; 0 for others."""

    sender: SenderId
    span: MuteSpan
    message: Number = 0


class UnmuteHere(CallbackData, frozen=True, tag="unmute_here"):
    """Under a message, like `MuteHere`."""

    sender: SenderId
    message: Number = 0


Below = Literal["", "mute", "unmute"]
"""What stands below the buttons of a program: nothing, the buttons to mute it, or the one to end that."""


class PressButton(CallbackData, frozen=True, tag="press"):
    """A button of a program. `number` counts the buttons of the message from 0, row by row."""

    message: Number
    number: Annotated[int, Meta(ge=0, le=999)]
    below: Below = ""


class ShowPressed(CallbackData, frozen=True, tag="pressed"):
    """The line that says what was chosen."""

    message: Number


class ShowSettings(CallbackData, frozen=True, tag="settings"):
    pass


class ShowLanguages(CallbackData, frozen=True, tag="languages"):
    pass


class SetLanguage(CallbackData, frozen=True, tag="set_language"):
    """Empty for Telegram's."""

    language: Literal[Language, ""] = ""


class AskZone(CallbackData, frozen=True, tag="set_zone"):
    pass


class ShowHours(CallbackData, frozen=True, tag="hours"):
    pass


class SetHours(CallbackData, frozen=True, tag="set_hours"):
    """Like `23:00-08:00`; empty for none."""

    hours: Annotated[str, Meta(pattern=r"^([0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2})?\Z")] = ""


class SetQuietMode(CallbackData, frozen=True, tag="set_mode"):
    mode: QuietMode


class SetNews(CallbackData, frozen=True, tag="set_news"):
    """From the card of /settings."""

    news: bool


class ShowKeep(CallbackData, frozen=True, tag="keep"):
    pass


class SetKeep(CallbackData, frozen=True, tag="set_keep"):
    """0 for as long as the service keeps it."""

    days: Literal[0, 7, 30, 90, 365] = 0


class WantNews(CallbackData, frozen=True, tag="news"):
    """From under /news."""

    news: bool


class Forget(CallbackData, frozen=True, tag="forget"):
    sure: bool
