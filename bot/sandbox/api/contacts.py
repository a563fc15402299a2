"""Usernames, contacts, and blocking."""

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import chat_of
from djangobot.bot.sandbox.mtproto.schema import TL


def resolve_username(call: Call) -> TL:
    """The user who has a username."""
    username: str = call["username"].removeprefix("@")
    found = call.world.accounts.by_username(username)
    if not username:
        raise RpcError(400, "USERNAME_INVALID")
    if found is None:
        raise RpcError(400, "USERNAME_NOT_OCCUPIED")
    return {
        "_": "contacts.resolvedPeer",
        "peer": render.peer(found.id),
        "chats": [],
        "users": [render.user(call.world, call.user.id, found)],
    }


def get_contacts(call: Call) -> TL:
    """Always empty: nobody has contacts here."""
    return {"_": "contacts.contacts", "contacts": [], "saved_count": 0, "users": []}


def block(call: Call) -> bool:
    """The person blocks a bot."""
    chat = chat_of(call, call["id"])
    call.world.block(chat.bot, chat.person, True)
    return True


def unblock(call: Call) -> bool:
    """The person unblocks a bot."""
    chat = chat_of(call, call["id"])
    call.world.block(chat.bot, chat.person, False)
    return True
