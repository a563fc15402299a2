"""Digest: how many messages quiet hours and mutes held, and the first of each sender."""

from collections.abc import Sequence
from itertools import zip_longest

from djangobot.bot.callback_data.buttons import ShowHistory
from djangobot.bot.rendering.buttons import full_button
from djangobot.bot.rendering.entries import in_pairs, in_short, is_cut
from djangobot.bot.rendering.humanize import shortened, whose
from djangobot.bot.rendering.replies import formatted, joined, language_for, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.messages import content as contents
from djangobot.db.messages.rich_text.limits import MESSAGE_LIMIT
from djangobot.db.messages.rich_text.spans import utf16_length
from djangobot.db.people.digests import Digest, read_digest

SENDERS_TOLD = 20
"""Senders whose messages a digest quotes. The other senders are counted."""
DIGEST_LINE = 120
"""Characters quoted of each message: two or three lines on a phone."""
WHOLE_MOST = 8
"""The most shortened messages of a digest that get a button to read them in full. The history has all of
them."""


def render_digest(message: Claimed) -> list[Text]:
    """How many messages of whom were held, and the first of each sender. It has as many parts as it needs."""
    language = language_for(message)
    lines, cut = _lines(language, read_digest(message.text))
    *earlier, last = _paged(lines)
    rows = in_pairs(cut)
    rows.append([Button(say(language, "digest-history"), ShowHistory().pack())])
    return [*map(joined, earlier), joined(last, buttons=rows)]


def _lines(language: str, digest: Digest) -> tuple[list[Text], list[Button]]:
    """The lines of a digest, and the buttons that show in full what they shorten."""
    lines = [formatted(language, "digest-title", count=digest.count)]
    cut: list[Button] = []
    for share in digest.shares[:SENDERS_TOLD]:
        who = whose(share.account, share.token) if share.token else say(language, "digest-gone")
        lines.append(formatted(language, "digest-sender", who=who, count=share.count))
        for number, text, rich in zip_longest(share.ids, share.first, share.rich):
            content = contents.decode(rich)
            short = in_short(language, content, Text(shortened(text, DIGEST_LINE)))
            line = joined(short, separator=" · ")
            if number is None or len(cut) >= WHOLE_MOST or not is_cut(language, text, content, DIGEST_LINE):
                lines.append(joined([Text("·"), line], separator=" "))
            else:
                cut.append(full_button(language, f"[{len(cut) + 1}]", number))
                lines.append(joined([Text(f"[{len(cut)}]"), line], separator=" "))
        if more := share.count - len(share.first):
            lines.append(formatted(language, "digest-more", count=more))
    if others := digest.shares[SENDERS_TOLD:]:
        count = sum(share.count for share in others)
        lines.append(formatted(language, "digest-others", count=count))
    return lines, cut


def _paged(lines: Sequence[Text]) -> list[list[Text]]:
    """The lines in groups that each fit into one message."""
    pages: list[list[Text]] = [[]]
    length = 0
    for line in lines:
        length += utf16_length(line.text) + 1
        if length > MESSAGE_LIMIT + 1:
            pages.append([])
            length = utf16_length(line.text) + 1
        pages[-1].append(line)
    return pages
