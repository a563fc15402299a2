"""Peers as clients name them, and the access hashes they must know."""

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Chat, Message, User


def user_of(call: Call, peer: TL) -> User:
    """The user an InputPeer or InputUser names; PEER_ID_INVALID when there is none or the hash is wrong."""
    kind = peer["_"]
    if kind in ("inputPeerSelf", "inputUserSelf"):
        return call.user
    if kind in ("inputPeerUserFromMessage", "inputUserFromMessage"):
        return _known(call, peer["user_id"], None)
    if kind in ("inputPeerUser", "inputUser"):
        return _known(call, peer["user_id"], peer["access_hash"])
    # Groups and channels are not modelled.
    raise RpcError(400, "PEER_ID_INVALID")


def _known(call: Call, number: int, access_hash: int | None) -> User:
    user = call.world.accounts.users.get(number)
    if user is None:
        raise RpcError(400, "PEER_ID_INVALID")
    if access_hash not in (None, call.world.accounts.access_hash(call.user.id, number)):
        # Bots may name people they have met without a hash, as with the real server.
        met = (call.user.id, number) in call.world.chats
        if not (access_hash == 0 and call.user.bot and met):
            raise RpcError(400, "PEER_ID_INVALID")
    return user


def chat_of(call: Call, peer: TL) -> Chat:
    """The private chat between the caller and the peer; only between a bot and a person here."""
    me, other = call.user, user_of(call, peer)
    if me.bot == other.bot:
        raise RpcError(400, "USER_IS_BOT" if me.bot and me.id != other.id else "PEER_ID_INVALID")
    bot, person = (me.id, other.id) if me.bot else (other.id, me.id)
    return call.world.chat(bot, person)


def message_in(call: Call, chat: Chat, number: int, refusal: str = "MESSAGE_ID_INVALID") -> Message:
    """The message of the chat that has this id on the caller's side; RpcError when there is none."""
    message = call.world.box(call.user.id).messages.get(number)
    if message is None or message.deleted or (message.bot, message.person) != (chat.bot, chat.person):
        raise RpcError(400, refusal)
    return message


def writable_chat(call: Call, peer: TL) -> Chat:
    """The chat that the caller may write to now; RpcError as the real server refuses it."""
    me, other = call.user, user_of(call, peer)
    if me.bot and not other.bot and not started(call, me, other):
        raise RpcError(400, "PEER_ID_INVALID")
    chat = chat_of(call, peer)
    if other.deleted:
        raise RpcError(400, "INPUT_USER_DEACTIVATED")
    if chat.blocked:
        raise RpcError(*((403, "USER_IS_BLOCKED") if me.bot else (400, "YOU_BLOCKED_USER")))
    return chat


def started(call: Call, bot: User, person: User) -> bool:
    """Whether the person has ever written to the bot. Bots cannot write first."""
    chat = call.world.chats.get((bot.id, person.id))
    return chat is not None and chat.started
