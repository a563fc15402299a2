"""Changing and deleting messages that are in the chat."""

from djangobot.bot.sandbox.api import markup, render, text
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.files import files
from djangobot.bot.sandbox.api.messages.albums import group_of
from djangobot.bot.sandbox.api.messages.sending import check_rate, refuse_to_schedule
from djangobot.bot.sandbox.api.peers import chat_of, message_in
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Chat, File, Message

# core.telegram.org/bots/api#deletemessage: a bot deletes a message within 48 hours.
MAX_AGE = 48 * 3600


def edit_message(call: Call) -> TL:
    """Changes text, file or keyboard of the caller's own message. No reply_markup removes the keyboard."""
    refuse_to_schedule(call)
    chat = chat_of(call, call["peer"])
    message = _own(call, chat, call["id"])
    changed = Change(call, message)
    if not changed.differs(message):
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    check_rate(call, chat, 1)
    changed.apply(message)
    me = call.user.id
    event = call.world.edit(message, skip=me)
    if me != message.bot:
        event = call.world.box(me).newest()
    return render.updates(call.world, me, [event], call.schema)


class Change:
    """What a message is to be; made only when Telegram takes it."""

    def __init__(self, call: Call, message: Message) -> None:
        """RpcError as Telegram refuses it."""
        self._fields: dict[str, object] = {"markup": markup.stored(call, call.get("reply_markup"))}
        media, content = call.get("media"), call.get("message")
        if content is not None:
            check = text.checked if message.file is None and media is None else text.checked_caption
            self._fields["text"], self._fields["entities"] = check(call, content, call.get("entities"))
            self._fields["no_preview"] = bool(call.get("no_webpage"))
        elif media is None and call.get("reply_markup") is None:
            raise RpcError(400, "MESSAGE_EMPTY")
        if message.file is None and media is None and not self._fields.get("text", message.text):
            raise RpcError(400, "MESSAGE_EMPTY")
        if media is not None:
            self._fields["file"] = _replacement(call, message, media).id
            self._fields["spoiler"] = bool(media.get("spoiler"))

    def differs(self, message: Message) -> bool:
        """Whether anything changes."""
        return any(getattr(message, name) != value for name, value in self._fields.items())

    def apply(self, message: Message) -> None:
        """Changes the message."""
        for name, value in self._fields.items():
            setattr(message, name, value)


def delete_messages(call: Call) -> TL:
    """Deletes messages on both sides. Unknown ids are ignored, as by the real server."""
    me = call.user
    box = call.world.box(me.id)
    found = [box.messages[number] for number in call["id"] if number in box.messages]
    oldest = min((message.date for message in found if not message.deleted), default=call.world.now())
    if me.bot and oldest < call.world.now() - MAX_AGE:
        raise RpcError(403, "MESSAGE_DELETE_FORBIDDEN")
    event = call.world.delete(me.id, found, skip=me.id)
    count = event.count if event else 0
    return {"_": "messages.affectedMessages", "pts": box.pts, "pts_count": count}


def _replacement(call: Call, message: Message, media: TL) -> File:
    """The new file of a message. In an album it must go with the others; a voice message keeps its own."""
    before = call.world.files.get(message.file or 0)
    if before is not None and before.kind == "voice":
        raise RpcError(400, "MEDIA_PREV_INVALID")
    file = files.file_of(call, media)
    if message.grouped and before is not None:
        try:
            group_of([before, file])
        except RpcError as exc:
            raise RpcError(400, "MEDIA_NEW_INVALID") from exc
    return file


def _own(call: Call, chat: Chat, number: int) -> Message:
    message = message_in(call, chat, number)
    if message.from_bot != call.user.bot:
        raise RpcError(403, "MESSAGE_AUTHOR_REQUIRED")
    return message
