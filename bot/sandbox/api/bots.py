"""What bots say about themselves: commands by scope and language, names, the menu button."""

import re

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import user_of
from djangobot.bot.sandbox.mtproto.schema import TL

# core.telegram.org/bots/api#botcommand and #setmycommands.
_COMMAND = re.compile(r"^[a-z0-9_]{1,32}$")
MAX_DESCRIPTION = 256
MAX_COMMANDS = 100
_LANGUAGE = re.compile(r"^([a-z]{2})?$")


def set_bot_commands(call: Call) -> bool:
    """Sets the commands of a scope and language."""
    commands = [
        (command["command"].removeprefix("/"), command["description"]) for command in call["commands"]
    ]
    if len(commands) > MAX_COMMANDS:
        raise RpcError(400, "BOT_COMMANDS_TOO_MUCH")
    for name, description in commands:
        if not _COMMAND.match(name):
            raise RpcError(400, "BOT_COMMAND_INVALID")
        if not 1 <= len(description) <= MAX_DESCRIPTION:
            raise RpcError(400, "BOT_COMMAND_DESCRIPTION_INVALID")
    call.world.commands.set(call.user.id, _scope(call), _language(call), commands or None)
    return True


def reset_bot_commands(call: Call) -> bool:
    """Removes the commands of a scope and language."""
    call.world.commands.set(call.user.id, _scope(call), _language(call), None)
    return True


def get_bot_commands(call: Call) -> list[TL]:
    """The commands of exactly this scope and language."""
    commands = call.world.commands.get(call.user.id, _scope(call), _language(call))
    return [{"_": "botCommand", "command": name, "description": text} for name, text in commands]


def set_bot_info(call: Call) -> bool:
    """Name, about and description; the same in all languages here."""
    bot = call.user
    if call.get("name"):
        bot.first_name = call["name"]
    if call.get("about") is not None:
        bot.about = call["about"]
    if call.get("description") is not None:
        bot.description = call["description"]
    call.world.accounts.save(bot)
    return True


def get_bot_info(call: Call) -> TL:
    """Name, about and description."""
    bot = call.user
    return {"_": "bots.botInfo", "name": bot.first_name, "about": bot.about, "description": bot.description}


def set_bot_menu_button(call: Call) -> bool:
    """Accepted, but the sandbox always shows the commands."""
    return True


def get_bot_menu_button(call: Call) -> TL:
    """The commands."""
    return {"_": "botMenuButtonCommands"}


def _scope(call: Call) -> str:
    scope = call["scope"]
    kind: str = scope["_"]
    if kind == "botCommandScopePeer":
        return f"peer:{user_of(call, scope['peer']).id}"
    if kind in ("botCommandScopePeerAdmins", "botCommandScopePeerUser"):
        raise RpcError(400, "PEER_ID_INVALID")
    return {
        "botCommandScopeDefault": "default",
        "botCommandScopeUsers": "users",
        "botCommandScopeChats": "chats",
        "botCommandScopeChatAdmins": "admins",
    }[kind]


def _language(call: Call) -> str:
    language: str = call["lang_code"]
    if not _LANGUAGE.match(language):
        raise RpcError(400, "LANG_CODE_INVALID")
    return language
