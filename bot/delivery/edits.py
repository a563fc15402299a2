"""Edits: changes a message in the chat, or says that it can't be changed there.

An edit may be repeated at any time. Without files of its own it keeps those of the message. With files it
takes their place, when there are as many.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from djangobot.bot.telegram.errors import Blocked, Refused
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Text
from djangobot.db.delivery.outcomes import Claimed, Sent, SentAnew, telegram_ids_of
from djangobot.db.messages import content as contents
from djangobot.db.messages import tags

UNREACHABLE = ("deactivated", "PEER_ID_INVALID")
"""Refusals of an edit that concern its chat, so a new message would be refused, too."""


class CannotEdit(Exception):
    """The message can't be edited. The reason is for the log."""


async def edit(gateway: Gateway, message: Claimed, texts: Sequence[Text]) -> Sent:
    """Changes the message in the chat to these texts. Raises CannotEdit."""
    ids = telegram_ids(message)
    if UNKNOWN_TELEGRAM_ID in ids[:1]:
        raise CannotEdit("the message is not in the chat")
    peer, text = Peer(message.chat_id, message.access_hash), texts[0]
    try:
        if not text.media and len(texts) == 1:
            await gateway.edit(peer, ids[0], text)
        elif _takes_the_place(message, ids, texts):
            await gateway.edit_media(peer, ids, text, message.random_id)
        else:
            raise CannotEdit("its files can't take the place of what is in the chat")
    except Blocked:
        raise
    except Refused as exc:
        if exc.reason in UNREACHABLE:
            raise
        raise CannotEdit(exc.reason) from exc
    return Sent(message, ids[0], rich=_kept_files(message), tags=_changed_tags(message))


def sent_anew(message: Claimed, reason: str, now: datetime) -> SentAnew:
    """The outcome of an edit whose message can't be edited."""
    known = any(one != UNKNOWN_TELEGRAM_ID for one in telegram_ids(message))
    return SentAnew(message, now, reason, _tags(message.rich), supersedes=known)


def telegram_ids(message: Claimed) -> tuple[int, ...]:
    """Telegram's ids of the message that is edited."""
    return telegram_ids_of(message.edited_id, message.edited_ids)


def is_caption(message: Claimed) -> bool:
    """Whether the text of the edited message stands under a file."""
    files = contents.decode(message.edited_rich).files
    return bool(files) and len(files) == len(telegram_ids(message))


def _takes_the_place(message: Claimed, ids: Sequence[int], texts: Sequence[Text]) -> bool:
    """Whether these files can replace those of the message, or its text. Telegram refuses some of these."""
    fits = len(texts) == 1 and len(texts[0].media) == len(ids) and UNKNOWN_TELEGRAM_ID not in ids
    return fits and (len(ids) == 1 or is_caption(message))


def _kept_files(message: Claimed) -> str | None:
    """What goes with the text when the edit leaves the files of the message as they are."""
    before, after = contents.decode(message.edited_rich), contents.decode(message.rich)
    if after.files or not before.files:
        return None
    kept = msgspec.structs.replace(after, files=before.files, as_documents=before.as_documents)
    return contents.encode(kept)


def _changed_tags(message: Claimed) -> tuple[str, ...] | None:
    after = _tags(message.rich)
    return None if after == _tags(message.edited_rich) else after


def _tags(rich: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(tags.fold, contents.decode(rich).tags)))
