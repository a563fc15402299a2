"""Replies: turns Fluent messages into formatted text in a person's language."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from itertools import takewhile, zip_longest
from pathlib import Path

import msgspec
import regex
from fluent.runtime import FluentBundle, FluentResource

from djangobot.bot.telegram.text import Button, Text
from djangobot.db.credentials import CODE_LENGTH
from djangobot.db.delivery.outbox import Claimed
from djangobot.db.fields import one_direction
from djangobot.db.messages.rich_text.spans import Kind, Span, utf16_length
from djangobot.db.people.digests import read_digest

LANGUAGES = ("en", "ru")
MESSAGE_LIMIT = 4096
"""Telegram's limit, in characters of a message. We count UTF-16 units, which are never fewer."""
BUTTON_LENGTH = 40
"""Characters of a name on a button; more do not fit on a phone."""
SENDERS_TOLD = 20
"""Senders whose messages a digest quotes. The other senders are counted."""
DIGEST_LINE = 120
"""Characters quoted of each message: two or three lines on a phone."""
WHOLE_MOST = 8
"""The most shortened messages of a digest that get a button to read them in full. The history has all of
them."""
MIB = 1 << 20
REASONS = {
    "dropped": "reason-dropped",
    "token revoked": "reason-token-revoked",
    "account banned": "reason-account-banned",
    "forgotten": "reason-forgotten",
    "broadcast canceled": "reason-broadcast-canceled",
    "skipped": "reason-skipped",
}
"""Reasons that db/ gives; all others are Telegram's."""
MUTE_HOURS = (1, 8)
LATE = timedelta(minutes=5)
"""A message that is older than this says when it was written. Telegram's own time is the time of arrival."""
HEAD_ROOM = 200
"""UTF-16 units that a token's name (64 characters, two units each at most) and a time need, with some to
spare."""
CLUSTER = regex.compile(r"\X")
"""What a person sees as one character: a flag, a family, a letter with its accents (Unicode, UAX 29)."""
TAG = re.compile(r"<(/?)(b|i|code|pre|spoiler)>")
TAGS: dict[str, Kind] = {"b": "bold", "i": "italic", "code": "code", "pre": "pre", "spoiler": "spoiler"}
PRE_LANGUAGE = "sh"
"""The language of every `pre` in our own texts. They are commands for a shell."""
FIRST_STAND_IN = 0xF0000
"""People's words are inserted after the markup was read, so that their text is never read as markup. Until
then each is one character of Unicode's private plane, from here on."""


def language_of(code: str | None) -> str:
    """Our language for a person whose Telegram has `code` (IETF tag). English when we do not have theirs."""
    short = (code or "").partition("-")[0].lower()
    return short if short in LANGUAGES else "en"


def say(language: str, message: str, /, **args: str | int) -> str:
    """A message without formatting, for a button or a menu."""
    return formatted(language, message, (), **args).text


def formatted(
    language: str, message: str, buttons: Sequence[Sequence[Button]] = (), /, **args: str | int
) -> Text:
    """A message with its formatting. Raises KeyError for a message that is in no locale file."""
    bundle = _bundle(language)
    pattern = bundle.get_message(message).value
    if pattern is None:
        raise KeyError(message)
    words = [value for value in args.values() if isinstance(value, str)]
    stand_ins = {word: chr(FIRST_STAND_IN + number) for number, word in enumerate(words)}
    given = {name: _stand_in(name, value, stand_ins) for name, value in args.items()}
    written, errors = bundle.format_pattern(pattern, given)
    if errors:
        raise errors[0]
    back = {ord(stand_in): word for word, stand_in in stand_ins.items()}
    text, spans = _read_markup(str(written), back)
    return Text(text, spans, tuple(tuple(row) for row in buttons))


def joined(parts: Sequence[Text], *, separator: str = "\n", buttons: Sequence[Sequence[Button]] = ()) -> Text:
    """Joins several texts into one message and keeps their formatting."""
    text = ""
    spans: list[Span] = []
    for part in parts:
        text += separator if text else ""
        before = utf16_length(text)
        spans += [msgspec.structs.replace(span, offset=span.offset + before) for span in part.spans]
        text += part.text
    return Text(text, tuple(spans), tuple(tuple(row) for row in buttons))


def shown_time(moment: datetime | None) -> str:
    """The time as `23.11.2026 05:14`, or `never` for None."""
    return moment.strftime("%d.%m.%Y %H:%M") if moment else "never"


def shown_day(day: date) -> str:
    """The day as `23.11.2026`."""
    return day.strftime("%d.%m.%Y")


def shown_age(language: str, moment: datetime | None, now: datetime) -> str:
    """How long ago it was, in words: `5 minutes ago`."""
    if moment is None:
        return say(language, "age-never")
    minutes = max(0, int((now - moment).total_seconds())) // 60
    if not minutes:
        return say(language, "age-now")
    if minutes < 60:
        return say(language, "age-minutes", count=minutes)
    hours = minutes // 60
    return (
        say(language, "age-hours", count=hours)
        if hours < 24
        else say(language, "age-days", count=hours // 24)
    )


def shown_status(language: str, status: str) -> str:
    """The status of messages, in words."""
    return say(language, "message-status", status=status)


def shown_reason(language: str, failure: str) -> str:
    """Why a message was not delivered. Our own reasons are in words, Telegram's as they are."""
    return say(language, REASONS[failure]) if failure in REASONS else failure


def shown_size(language: str, size: int) -> str:
    """A size in MiB, with a decimal comma where that is usual."""
    shown = f"{size / MIB:.1f}"
    return say(language, "size-mib", size=shown.replace(".", ",") if language == "ru" else shown)


def shown_code(code: str) -> str:
    """A code's digits in groups: ten as in a telephone number, twenty as on a bank card."""
    if len(code) > CODE_LENGTH:  # groups of four
        return " ".join(code[at : at + 4] for at in range(0, len(code), 4))
    return f"{code[:3]} {code[3:6]} {code[6:]}"


def shortened(text: str, length: int) -> str:
    """The text on one line, in one direction, cut at `length` characters. It is never cut within what a
    person sees as one character."""
    line = " ".join(one_direction(text).split())
    if len(line) <= length:
        return line
    ends = takewhile(lambda end: end < length, (cluster.end() for cluster in CLUSTER.finditer(line)))
    return line[: max(ends, default=length - 1)].rstrip() + "…"


def render_message(message: Claimed, now: datetime, *, offer_mute: bool = False) -> list[Text]:
    """Renders a message of the outbox for the chat, in as many parts as Telegram's limit requires."""
    if message.kind == "linked":
        return [_linked(message)]
    if message.kind == "account_removed":
        return [formatted(language_of(message.language), "account-removed", account=message.text)]
    if message.kind == "tokens_revoked":
        return [formatted(language_of(message.language), "owner-revoked", account=message.text)]
    if message.kind in ("new_network", "last_network"):
        return [_network(message)]
    if message.kind == "digest":
        return _digest(message)
    if message.kind == "broadcast":
        return [broadcast_text(language_of(message.language), message.text)]
    return _from_sender(message, now, offer_mute)


def broadcast_text(language: str, text: str) -> Text:
    """An admin's text to many people, and how to get no more of them."""
    return joined([Text(text), formatted(language, "broadcast-footer")], separator="\n\n")


def _digest(message: Claimed) -> list[Text]:
    """How many messages of whom were held, and the first of each sender. It has as many parts as it needs."""
    language = language_of(message.language)
    digest = read_digest(message.text)
    lines = [formatted(language, "digest-title", count=digest.count)]
    cut: list[Button] = []
    for share in digest.shares[:SENDERS_TOLD]:
        who = whose(share.account, share.token) if share.token else say(language, "digest-gone")
        lines.append(formatted(language, "digest-sender", who=who, count=share.count))
        for number, text in zip_longest(share.ids, share.first):
            shown = shortened(text, DIGEST_LINE)
            if number is None or shown == text or len(cut) >= WHOLE_MOST:
                lines.append(Text(f"· {shown}"))
            else:
                cut.append(full_button(language, f"[{len(cut) + 1}]", number))
                lines.append(Text(f"[{len(cut)}] {shown}"))
        if more := share.count - len(share.first):
            lines.append(formatted(language, "digest-more", count=more))
    if others := digest.shares[SENDERS_TOLD:]:
        count = sum(share.count for share in others)
        lines.append(formatted(language, "digest-others", count=count))
    parts = [[lines[0]]]
    length = utf16_length(lines[0].text)
    for line in lines[1:]:
        length += utf16_length(line.text) + 1
        if length > MESSAGE_LIMIT:
            parts.append([])
            length = utf16_length(line.text)
        parts[-1].append(line)
    button = Button(say(language, "digest-history"), "show:history")
    rows = [cut[at : at + 2] for at in range(0, len(cut), 2)]
    return [joined(part, buttons=[*rows, [button]] if part is parts[-1] else ()) for part in parts]


def full_button(language: str, which: str, number: int) -> Button:
    """The button that shows a message in full, unchanged."""
    return Button(say(language, "history-full", which=which), f"full:{number}")


def _network(message: Claimed) -> Text:
    language = language_of(message.language)
    who = whose(message.sender, message.token_name)
    note = formatted(language, "network-new", who=who, prefix=message.token_prefix, network=message.text)
    notes = [note] if message.kind == "new_network" else [note, formatted(language, "network-last")]
    revoke = revoke_button(language, message.token_id or 0, who)
    return joined(notes, separator="\n\n", buttons=[[revoke]])


def _linked(message: Claimed) -> Text:
    language = language_of(message.language)
    who = whose(message.sender, message.token_name)
    revoke = revoke_button(language, message.token_id or 0, who)
    return formatted(language, "linked", [[revoke]], who=who, prefix=message.token_prefix)


def whose(account: str | None, token: str) -> str:
    """The name of a token: its account, if there is one, and its own name if it has one."""
    return token if account in (None, "", token) else f"{account} · {token}"


def revoke_button(language: str, token_id: int, who: str) -> Button:
    """The button that revokes a token. Pressing it twice has the effect of once."""
    return Button(say(language, "tokens-revoke", who=shortened(who, BUTTON_LENGTH)), f"revoke:{token_id}")


def _from_sender(message: Claimed, now: datetime, offer_mute: bool) -> list[Text]:
    """The sender in bold on a line of its own, then the unchanged text.

    The token's name and the time are shown only where a short text leaves room. A repeat must break a long
    message where the first attempt did, though the token may have been renamed or the message may have become
    late.
    """
    head = message.sender
    if utf16_length(f"{message.sender}{message.text}") + HEAD_ROOM <= MESSAGE_LIMIT:
        if message.token_name:
            head = whose(message.sender, message.token_name)
        if now - message.created > LATE:
            head += f" · {shown_time(message.created.astimezone(message.settings.clock))}"
    bold = Span("bold", 0, utf16_length(head))
    chunks = split(f"{head}\n{message.text}", MESSAGE_LIMIT)
    shown = [chunk for chunk in chunks if chunk.strip()]  # Telegram refuses a message of white space alone
    parts = [Text(chunk, (bold,) if number == 0 else ()) for number, chunk in enumerate(shown)]
    if offer_mute and message.sender_id:
        rows = mute_buttons(language_of(message.language), "mute_here", message.sender_id)
        parts[-1] = Text(parts[-1].text, parts[-1].spans, tuple(tuple(row) for row in rows))
    return parts


def mute_buttons(language: str, verb: str, sender_id: int) -> list[list[Button]]:
    """Buttons for how long to mute. They are in short rows, because three in a row would break words under a
    short message."""
    *hours, tomorrow = [Button(words, f"{verb}:{sender_id}:{span}") for words, span in _mute_spans(language)]
    return [hours, [tomorrow]]


@cache
def _mute_spans(language: str) -> list[tuple[str, str]]:
    hours = [(say(language, "mute-hours", count=count), str(count)) for count in MUTE_HOURS]
    return [*hours, (say(language, "mute-tomorrow"), "tomorrow")]


def split(text: str, limit: int) -> list[str]:
    """Splits `text` into parts of at most `limit` UTF-16 units. Together they are `text`. A part ends after a
    line or a word if one ends in the part's second half. No part ends within what a person sees as one
    character."""
    parts = []
    while utf16_length(text) > limit:
        end = _breaking(text, _fitting(text, limit))
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text]


def _breaking(text: str, most: int) -> int:
    """After how many characters to break, at most `most`. A cluster longer than that is broken."""
    ends: list[int] = list(
        takewhile(lambda end: end <= most, (cluster.end() for cluster in CLUSTER.finditer(text)))
    )
    if not ends:
        return most
    for mark in ("\n", " "):
        for end in reversed(ends):
            if end <= most // 2:
                break
            if text[end - 1] == mark:
                return end
    return ends[-1]


def _fitting(text: str, limit: int) -> int:
    """How many characters of `text` fit into `limit` UTF-16 units."""
    end = min(len(text), limit)
    while utf16_length(text[:end]) > limit:
        end -= max(1, (utf16_length(text[:end]) - limit) // 2)
    return end


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
def _bundle(language: str) -> FluentBundle:
    bundle = FluentBundle([language], use_isolating=False)
    path = Path(__file__).parents[1] / "locales" / f"{language}.ftl"
    bundle.add_resource(FluentResource(path.read_text(encoding="utf-8")))
    return bundle
