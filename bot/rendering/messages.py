"""Messages: renders each kind of message of the outbox for the chat."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from djangobot.bot.callback_data.buttons import MuteHere
from djangobot.bot.rendering.buttons import mute_buttons, revoke_button
from djangobot.bot.rendering.digest import render_digest
from djangobot.bot.rendering.humanize import shown_time, whose
from djangobot.bot.rendering.replies import formatted, joined, language_for
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.messages.rich_text.limits import MESSAGE_LIMIT
from djangobot.db.messages.rich_text.spans import RichText, Span, utf16_length
from djangobot.db.messages.rich_text.split import split
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
    rows: Sequence[Sequence[Button]] = ()
    if offer_mute and message.sender_id:
        rows = mute_buttons(language_for(message), MuteHere, message.sender_id)
    return in_parts(Text(f"{head}\n{message.text}", (bold,), tuple(map(tuple, rows))))


def in_parts(text: Text) -> list[Text]:
    """The text in as many messages as Telegram's limit requires, each with its share of the formatting.
    Buttons stand under the last."""
    if utf16_length(text.text) <= MESSAGE_LIMIT:
        return [text]
    *others, last = [
        Text(part.text, part.spans, silent=text.silent) for part in split(RichText(text.text, text.spans))
    ]
    return [*others, msgspec.structs.replace(last, buttons=text.buttons)]
