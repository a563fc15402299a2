"""What a side is doing right now: typing, uploading a file (core.telegram.org/method/messages.setTyping)."""

import re

from djangobot.bot.sandbox.api.call import Call
from djangobot.bot.sandbox.api.messages.sending import other_side
from djangobot.bot.sandbox.api.peers import writable_chat
from djangobot.bot.sandbox.world import Event


def set_typing(call: Call) -> bool:
    """Shows the other side what the caller is doing."""
    chat = writable_chat(call, call["peer"])
    me, action = call.user.id, call["action"]
    call.server.journal.note_action(me, chat.person, action_name(action["_"]), action.get("progress"))
    fields = {name: value for name, value in action.items() if name not in ("_", "progress")}
    progress = action.get("progress")
    event = Event(kind="typing", person=me, action=action["_"], progress=progress, fields=fields)
    call.world.notify(other_side(call, chat), event)
    return True


def action_name(action: str) -> str:
    """What a side is doing, as in `upload_document` (core.telegram.org/bots/api#sendchataction)."""
    name = action.removeprefix("sendMessage").removesuffix("Action")
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
