"""Albums: files that are sent together (core.telegram.org/api/files#albums-grouped-media)."""

import secrets

from djangobot.bot.sandbox.api import render, text
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.files import files
from djangobot.bot.sandbox.api.messages.sending import NewMessage, destination, first_with, sent, store_all
from djangobot.bot.sandbox.api.peers import user_of, writable_chat
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import File, Message

# core.telegram.org/bots/api#sendmediagroup: an album has 2-10 items. One item alone is an ordinary message.
MAX_ALBUM = 10
# The same page: pictures and videos go together, documents and audio only with their own kind.
_GROUPS = {"photo": "pictures", "video": "pictures", "document": "documents", "audio": "audio"}


def upload_media(call: Call) -> TL:
    """Stores a file without sending it: an album is made of such files."""
    user_of(call, call["peer"])
    file = files.file_of(call, call["media"])
    spoiler = bool(call["media"].get("spoiler"))
    return render.media(call.world, call.user.id, file, call.schema, spoiler=spoiler)


def send_multi_media(call: Call) -> TL:
    """Sends an album. Each item has a random_id of its own; those that came before are not sent again."""
    chat = destination(call, call["peer"])
    items: list[TL] = call["multi_media"]
    if not items:
        raise RpcError(400, "MEDIA_EMPTY")
    if len(items) > MAX_ALBUM:
        raise RpcError(400, "MULTI_MEDIA_TOO_LONG")
    if len({item["random_id"] for item in items}) < len(items):
        raise RpcError(500, "RANDOM_ID_DUPLICATE")
    found = [first_with(call, chat, item["random_id"]) for item in items]
    known = [message for message in found if message]
    if len(known) == len(items):
        return sent(call, [], before=known)
    writable_chat(call, call["peer"])
    new = [_new(call, item) for item, before in zip(items, found, strict=True) if not before]
    group_of([message.file for message in new if message.file] + _files_of(call, known))
    if len(items) > 1:
        grouped = next((message.grouped for message in known), 0) or secrets.randbits(52) | 1
        for message in new:
            message.grouped = grouped
    return sent(call, store_all(call, chat, new), before=known)


def group_of(kept: list[File]) -> str:
    """The kind of album that these files make; RpcError when they don't go together."""
    kinds = {_GROUPS.get(file.kind, "") for file in kept}
    if len(kinds) > 1 or (len(kept) > 1 and "" in kinds):
        raise RpcError(400, "MEDIA_GROUPED_INVALID")
    return kinds.pop()


def _new(call: Call, item: TL) -> NewMessage:
    caption, entities = text.checked_caption(call, item["message"], item.get("entities"))
    file = files.stored(call, item["media"])
    spoiler = bool(item["media"].get("spoiler"))
    return NewMessage(item["random_id"], caption, entities, file=file, spoiler=spoiler)


def _files_of(call: Call, messages: list[Message]) -> list[File]:
    found = [call.world.files.get(message.file or 0) for message in messages]
    return [file for file in found if file]
