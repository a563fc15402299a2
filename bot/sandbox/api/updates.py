"""Updates that a client has missed: counted by pts for messages, by qts for blocks."""

import time

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Event

# Events in one answer; more come in slices. Our own choice.
SLICE = 100


def get_state(call: Call) -> TL:
    """The last numbers of the caller's box."""
    return render.state(call.world.box(call.user.id))


def get_difference(call: Call) -> TL:
    """Everything since the caller's pts and qts, in slices."""
    me = call.user.id
    box = call.world.box(me)
    pts, qts = call["pts"], call["qts"]
    if pts > box.pts or pts < 1:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_INVALID")
    if not call.server.settings.keep_updates:
        return _empty()
    events = box.since(pts, SLICE + 1)
    part, rest = events[:SLICE], events[SLICE:]
    others: list[Event] = []
    if not rest and call.user.bot:
        # Clients that keep no qts send -1 or 0; they get only the queries that wait for an answer.
        others = call.world.since_qts(me, qts) if qts > 0 else []
        others += [query.event() for query in call.world.callback_queries.unanswered(me)]
    if not part and not others:
        return _empty()
    state = render.state(box)
    if rest:
        state["pts"] = part[-1].pts
    new = [event for event in part if event.kind == "new"]
    other = [event for event in part if event.kind != "new"] + others
    return {
        "_": "updates.differenceSlice" if rest else "updates.difference",
        "new_messages": [
            render.message(call.world, me, call.world.box(event.bot).messages[event.message], call.schema)
            for event in new
        ],
        "new_encrypted_messages": [],
        "other_updates": [
            found
            for event in other
            if (found := render.update(call.world, me, event, call.schema)) is not None
        ],
        "chats": [],
        "users": render.people_of(call.world, me, part + others),
        "state": state,
        "intermediate_state": state,
    }


def _empty() -> TL:
    return {"_": "updates.differenceEmpty", "date": int(time.time()), "seq": 1}
