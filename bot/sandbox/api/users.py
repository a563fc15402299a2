"""Users: the caller and others."""

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import user_of
from djangobot.bot.sandbox.mtproto.schema import TL


def get_users(call: Call) -> list[TL]:
    """The users asked for; unknown ones are empty, as the real server answers."""
    found = []
    for asked in call["id"]:
        try:
            found.append(render.user(call.world, call.user.id, user_of(call, asked)))
        except RpcError:
            found.append({"_": "userEmpty", "id": asked.get("user_id", 0)})
    return found


def get_full_user(call: Call) -> TL:
    """One user with everything known about them."""
    try:
        shown = user_of(call, call["id"])
    except RpcError as exc:
        raise RpcError(400, "USER_ID_INVALID") from exc
    me = call.user
    full: TL = {
        "_": "userFull",
        "id": shown.id,
        "settings": {"_": "peerSettings"},
        "notify_settings": {"_": "peerNotifySettings"},
        "common_chats_count": 0,
    }
    if shown.about:
        full["about"] = shown.about
    if shown.bot:
        commands = call.world.commands.shown_to(shown.id, None if me.bot else me)
        full["bot_info"] = {
            "_": "botInfo",
            "user_id": shown.id,
            "description": shown.description,
            "commands": [
                {"_": "botCommand", "command": name, "description": text} for name, text in commands
            ],
            "menu_button": {"_": "botMenuButtonCommands"},
        }
        chat = call.world.chats.get((shown.id, me.id))
        full["blocked"] = bool(chat and chat.blocked)
    return {
        "_": "users.userFull",
        "full_user": full,
        "chats": [],
        "users": [render.user(call.world, me.id, shown)],
    }


def get_notify_settings(call: Call) -> TL:
    """Nobody is notified of anything."""
    return {"_": "peerNotifySettings"}


def update_status(call: Call) -> bool:
    """Accepted, but nobody is shown who is online."""
    return True
