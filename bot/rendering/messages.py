"""Messages: renders each kind of message of the outbox for the chat."""

from collections.abc import Sequence
from datetime import datetime

from djangobot.bot.rendering.buttons import revoke_button
from djangobot.bot.rendering.digest import render_digest
from djangobot.bot.rendering.humanize import whose
from djangobot.bot.rendering.replies import formatted, joined, language_for
from djangobot.bot.rendering.sender_message import render_sender_message
from djangobot.bot.telegram.text import Media, Text
from djangobot.db.delivery.outcomes import Claimed


def render_message(
    message: Claimed,
    now: datetime,
    *,
    offer_mute: bool = False,
    media: Sequence[Media] = (),
    captioned: bool = False,
) -> list[Text]:
    """Renders a message of the outbox for the chat, in as many parts as Telegram's limit requires. `media`:
    its files. `captioned`: it is an edit of what stands under a file."""
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
    return render_sender_message(message, now, offer_mute=offer_mute, media=media, captioned=captioned)


def broadcast_text(language: str, text: str) -> Text:
    """An admin's text to many people, with the line that says how to unsubscribe."""
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
