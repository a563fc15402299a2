"""Messages: renders each kind of message of the outbox for the chat."""

from datetime import datetime, timedelta
from itertools import takewhile

from djangobot.bot.callback_data.buttons import MuteHere
from djangobot.bot.rendering.buttons import mute_buttons, revoke_button
from djangobot.bot.rendering.digest import render_digest
from djangobot.bot.rendering.humanize import CLUSTER, shown_time, whose
from djangobot.bot.rendering.replies import formatted, joined, language_for
from djangobot.bot.telegram.text import MESSAGE_LIMIT, Text
from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.messages.rich_text.spans import Span, utf16_length
from djangobot.db.people import chat_settings

LATE = timedelta(minutes=5)
"""A message that is older than this says when it was written. Telegram's own time is the time of arrival."""
HEAD_ROOM = 200
"""UTF-16 units that a token's name (64 characters, two units each at most) and a time need, with some to
spare."""


def render_message(message: Claimed, now: datetime, *, offer_mute: bool = False) -> list[Text]:
    """Renders a message of the outbox for the chat, in as many parts as Telegram's limit requires."""
    if message.kind == "linked":
        return [_linked(message)]
    if message.kind == "account_removed":
        return [formatted(language_for(message), "account-removed", account=message.text)]
    if message.kind == "tokens_revoked":
        return [formatted(language_for(message), "owner-revoked", account=message.text)]
    if message.kind in ("new_network", "last_network"):
        return [_network(message)]
    if message.kind == "digest":
        return render_digest(message)
    if message.kind == "broadcast":
        return [broadcast_text(language_for(message), message.text)]
    return _from_sender(message, now, offer_mute)


def broadcast_text(language: str, text: str) -> Text:
    """An admin's text to many people, and how to get no more of them."""
    return joined([Text(text), formatted(language, "broadcast-footer")], separator="\n\n")


def _network(message: Claimed) -> Text:
    language = language_for(message)
    who = whose(message.sender, message.token_name)
    note = formatted(language, "network-new", who=who, prefix=message.token_prefix, network=message.text)
    notes = [note] if message.kind == "new_network" else [note, formatted(language, "network-last")]
    revoke = revoke_button(language, message.token_id or 0, who)
    return joined(notes, separator="\n\n", buttons=[[revoke]])


def _linked(message: Claimed) -> Text:
    language = language_for(message)
    who = whose(message.sender, message.token_name)
    revoke = revoke_button(language, message.token_id or 0, who)
    return formatted(language, "linked", [[revoke]], who=who, prefix=message.token_prefix)


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
            head += f" · {shown_time(message.created.astimezone(chat_settings.read(message.settings).clock))}"
    bold = Span("bold", 0, utf16_length(head))
    chunks = split(f"{head}\n{message.text}", MESSAGE_LIMIT)
    shown = [chunk for chunk in chunks if chunk.strip()]  # Telegram refuses a message of white space alone
    parts = [Text(chunk, (bold,) if number == 0 else ()) for number, chunk in enumerate(shown)]
    if offer_mute and message.sender_id:
        rows = mute_buttons(language_for(message), MuteHere, message.sender_id)
        parts[-1] = Text(parts[-1].text, parts[-1].spans, tuple(tuple(row) for row in rows))
    return parts


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
