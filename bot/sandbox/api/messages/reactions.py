"""Reactions and pinned messages (core.telegram.org/api/reactions, .../api/pin)."""

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import chat_of, message_in
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Event


def send_reaction(call: Call) -> TL:
    """The caller's reaction to a message; none takes it back. One emoji, as without Premium."""
    message = message_in(call, chat_of(call, call["peer"]), call["msg_id"])
    given = call.get("reaction") or []
    emoji = [reaction["emoticon"] for reaction in given if reaction["_"] == "reactionEmoji"]
    if len(emoji) != len([reaction for reaction in given if reaction["_"] != "reactionEmpty"]):
        raise RpcError(400, "REACTION_INVALID")
    if len(emoji) > 1:
        raise RpcError(400, "REACTIONS_TOO_MANY")
    call.world.react(message, call.user.id, emoji[0] if emoji else "")
    event = Event(kind="reactions", bot=message.bot, message=message.id)
    return render.updates(call.world, call.user.id, [event], call.schema)


def update_pinned_message(call: Call) -> TL:
    """Pins a message for both sides, or unpins it. No service message tells of it here."""
    message = message_in(call, chat_of(call, call["peer"]), call["id"])
    events = call.world.pin([message], not call.get("unpin"), skip=call.user.id)
    return render.updates(call.world, call.user.id, events[call.user.id], call.schema)


def unpin_all_messages(call: Call) -> TL:
    """Unpins every message of the chat."""
    me, chat = call.user.id, chat_of(call, call["peer"])
    history = call.world.history(chat.bot, chat.person)
    pinned = [message for message in history if message.extras and message.extras.pinned]
    events = call.world.pin(pinned, False, skip=me)[me] if pinned else []
    count = sum(event.count for event in events)
    return {
        "_": "messages.affectedHistory",
        "pts": call.world.box(me).pts,
        "pts_count": count,
        "offset": 0,
    }
