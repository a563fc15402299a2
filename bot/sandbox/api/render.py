"""The world as one viewer sees it, in one layer: users, messages, updates."""

import time
from collections import Counter
from collections.abc import Callable

from djangobot.bot.sandbox.api import attached, markup
from djangobot.bot.sandbox.mtproto.schema import TL, Schema
from djangobot.bot.sandbox.world import Box, Event, Extras, File, Message, User, World

# The number of the one data centre there is.
DC = 2
_TYPING = "sendMessageTypingAction"


def user(world: World, viewer: int, shown: User) -> TL:
    """A user."""
    result: TL = {
        "_": "user",
        "id": shown.id,
        "access_hash": world.accounts.access_hash(viewer, shown.id),
        "is_self": viewer == shown.id,
    }
    if shown.deleted:
        return {**result, "deleted": True}
    result["first_name"] = shown.first_name
    if shown.last_name:
        result["last_name"] = shown.last_name
    if shown.username:
        result["username"] = shown.username
    if shown.bot:
        return {**result, "bot": True, "bot_info_version": 1, "bot_nochats": True}
    if shown.language and world.accounts.users[viewer].bot:
        # Bots are told a person's language.
        result["lang_code"] = shown.language
    if viewer == shown.id:
        result["phone"] = shown.phone
    return {**result, "status": {"_": "userStatusRecently"}}


def peer(number: int) -> TL:
    """A user as a Peer."""
    return {"_": "peerUser", "user_id": number}


def message(world: World, viewer: int, shown: Message, schema: Schema) -> TL:
    """A message on the viewer's side."""
    number = shown.id_for(viewer)
    other = shown.person if viewer == shown.bot else shown.bot
    if shown.deleted:
        return {"_": "messageEmpty", "id": number, "peer_id": peer(other)}
    out = shown.from_bot == (viewer == shown.bot)
    result: TL = {
        "_": "message",
        "id": number,
        "out": out,
        "peer_id": peer(other),
        "date": shown.date,
        "message": shown.text,
    }
    if out:
        result["from_id"] = peer(viewer)
    if shown.entities:
        result["entities"] = [entity for entity in shown.entities if entity["_"] in schema]
    if shown.markup:
        result["reply_markup"] = markup.shown(shown.markup, schema)
    if shown.file is not None and (file := world.files.get(shown.file)):
        result["media"] = media(world, viewer, file, schema, spoiler=shown.spoiler)
    if shown.extras:
        result |= _extras(world, viewer, shown, shown.extras)
    if shown.reply_to is not None and (answered := world.box(shown.bot).messages.get(shown.reply_to)):
        result["reply_to"] = {"_": "messageReplyHeader", "reply_to_msg_id": answered.id_for(viewer)}
    if shown.edited:
        result["edit_date"] = shown.edited
    if shown.silent:
        result["silent"] = True
    if shown.grouped:
        result["grouped_id"] = shown.grouped
    return result


def _extras(world: World, viewer: int, shown: Message, extras: Extras) -> TL:
    """What few messages have: another media, a first author, a pin, reactions."""
    result: TL = {"pinned": extras.pinned}
    if extras.attached:
        result["media"] = attached.shown(world, extras.attached)
    if extras.forwarded:
        known = extras.forwarded["person"]
        author = {"from_id": peer(known)} if known else {"from_name": extras.forwarded["name"]}
        result["fwd_from"] = {"_": "messageFwdHeader", "date": extras.forwarded["date"], **author}
    if extras.reactions:
        result["reactions"] = _reactions(viewer, shown, extras.reactions)
    return result


def _reactions(viewer: int, shown: Message, given: dict[int, str]) -> TL:
    counts = Counter(given.values())
    recent = [
        {
            "_": "messagePeerReaction",
            "my": who == viewer,
            "peer_id": peer(who),
            "date": shown.edited or shown.date,
            "reaction": emoji_reaction(emoji),
        }
        for who, emoji in given.items()
    ]
    results = []
    for emoji, count in counts.items():
        chosen = 0 if given.get(viewer) == emoji else None
        reaction = emoji_reaction(emoji)
        results.append({"_": "reactionCount", "chosen_order": chosen, "reaction": reaction, "count": count})
    return {"_": "messageReactions", "can_see_list": True, "results": results, "recent_reactions": recent}


def emoji_reaction(emoji: str) -> TL:
    """An emoji as a Reaction."""
    return {"_": "reactionEmoji", "emoticon": emoji}


def media(world: World, viewer: int, file: File, schema: Schema, *, spoiler: bool) -> TL:
    """A file as a message carries it."""
    access_hash = world.accounts.access_hash(viewer, file.id)
    reference = b"sandbox" + file.id.to_bytes(8, "little", signed=True)
    common: TL = {
        "id": file.id,
        "access_hash": access_hash,
        "file_reference": reference,
        "date": file.date,
        "dc_id": DC,
    }
    if file.kind == "photo":
        size = {"_": "photoSize", "type": "y", "w": file.width, "h": file.height, "size": file.size}
        photo = {"_": "photo", **common, "sizes": [size]}
        return {"_": "messageMediaPhoto", "photo": photo, "spoiler": spoiler}
    known = [_attribute(given, schema) for given in file.attributes if given["_"] in schema]
    if not any(attribute["_"] == "documentAttributeFilename" for attribute in known):
        known.append({"_": "documentAttributeFilename", "file_name": file.name})
    document = {"_": "document", **common, "mime_type": file.mime, "size": file.size, "attributes": known}
    return {
        "_": "messageMediaDocument",
        "document": document,
        "spoiler": spoiler,
        "voice": file.kind == "voice",
        "video": file.kind == "video",
        "round": file.kind == "video_note",
    }


def _attribute(given: TL, schema: Schema) -> TL:
    if given["_"] != "documentAttributeVideo":
        return given
    # A whole number in layer 158, a float since.
    number = given["duration"]
    floats = ("duration", "double") in schema.constructors["documentAttributeVideo"].fields
    return {**given, "duration": float(number) if floats else int(number)}


def update(world: World, viewer: int, event: Event, schema: Schema) -> TL | None:
    """An event as an update; None for a kind of event that is not shown."""
    if event.kind in ("new", "edit"):
        shown = world.box(event.bot).messages[event.message]
        name = "updateNewMessage" if event.kind == "new" else "updateEditMessage"
        body = message(world, viewer, shown, schema)
        return {"_": name, "message": body, "pts": event.pts, "pts_count": event.count}
    if event.kind == "typing":
        return _typing(event, schema)
    renderer = _OTHER_UPDATES.get(event.kind)
    found = renderer(world, viewer, event) if renderer else None
    # Bots hear of reactions since layer 169.
    return found if found and found["_"] in schema else None


def _deleted(world: World, viewer: int, event: Event) -> TL:
    numbers = {"messages": list(event.ids), "pts": event.pts, "pts_count": event.count}
    return {"_": "updateDeleteMessages", **numbers}


def _stopped(world: World, viewer: int, event: Event) -> TL:
    return {
        "_": "updateBotStopped",
        "user_id": event.person,
        "date": event.date,
        "stopped": event.stopped,
        "qts": event.qts,
    }


def _callback(world: World, viewer: int, event: Event) -> TL:
    return {
        "_": "updateBotCallbackQuery",
        "query_id": event.query,
        "user_id": event.person,
        "peer": peer(event.person),
        "msg_id": event.message,
        "chat_instance": world.accounts.access_hash(viewer, event.person),
        "data": event.data,
    }


def _typing(event: Event, schema: Schema) -> TL:
    """What a side is doing; an action that came later than the layer is shown as typing."""
    known = event.action if event.action in schema else _TYPING
    action = {"_": known, "progress": event.progress or 0, **(event.fields or {})}
    return {"_": "updateUserTyping", "user_id": event.person, "action": action}


def _read_inbox(world: World, viewer: int, event: Event) -> TL:
    return {
        "_": "updateReadHistoryInbox",
        "peer": peer(event.person),
        "max_id": event.ids[0],
        "still_unread_count": 0,
        "pts": event.pts,
        "pts_count": event.count,
    }


def _pinned(world: World, viewer: int, event: Event) -> TL:
    return {
        "_": "updatePinnedMessages",
        "peer": peer(event.person),
        "messages": list(event.ids),
        "pts": event.pts,
        "pts_count": event.count,
        **(event.fields or {}),
    }


def _reacted(world: World, viewer: int, event: Event) -> TL:
    fields = event.fields or {}
    return {
        "_": "updateBotMessageReaction",
        "peer": peer(event.person),
        "msg_id": event.ids[0],
        "date": event.date,
        "actor": peer(event.person),
        "old_reactions": [emoji_reaction(fields["old"])] if fields["old"] else [],
        "new_reactions": [emoji_reaction(fields["new"])] if fields["new"] else [],
        "qts": event.qts,
    }


def _reactions_now(world: World, viewer: int, event: Event) -> TL:
    shown = world.box(event.bot).messages[event.message]
    given = shown.extras.reactions if shown.extras else {}
    other = shown.person if viewer == shown.bot else shown.bot
    return {
        "_": "updateMessageReactions",
        "peer": peer(other),
        "msg_id": shown.id_for(viewer),
        "reactions": _reactions(viewer, shown, given),
    }


_OTHER_UPDATES: dict[str, Callable[[World, int, Event], TL]] = {
    "delete": _deleted,
    "stopped": _stopped,
    "callback": _callback,
    "read_inbox": _read_inbox,
    "pin": _pinned,
    "reaction": _reacted,
    "reactions": _reactions_now,
}


def people_of(world: World, viewer: int, events: list[Event]) -> list[TL]:
    """The users that events speak of."""
    numbers: dict[int, None] = {}
    for event in events:
        if event.kind in ("new", "edit"):
            shown = world.box(event.bot).messages[event.message]
            numbers[shown.person] = numbers[shown.bot] = None
        elif event.person:
            numbers[event.person] = None
    return [
        user(world, viewer, world.accounts.users[number])
        for number in numbers
        if number in world.accounts.users
    ]


def updates(
    world: World, viewer: int, events: list[Event], schema: Schema, *, first: list[TL] | None = None
) -> TL:
    """Events as one `updates`, with the users they speak of."""
    shown = [*(first or [])]
    shown += [found for event in events if (found := update(world, viewer, event, schema))]
    date = max((event.date for event in events), default=0)
    return {
        "_": "updates",
        "updates": shown,
        "users": people_of(world, viewer, events),
        "chats": [],
        "date": date or int(time.time()),
        "seq": 0,
    }


def state(box: Box) -> TL:
    """A box's updates.state."""
    return {
        "_": "updates.state",
        "pts": box.pts,
        "qts": box.qts,
        "date": int(time.time()),
        "seq": 1,
        "unread_count": 0,
    }
