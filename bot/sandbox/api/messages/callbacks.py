"""Pressed buttons, and the bots' answers to them."""

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import chat_of, message_in
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Message

# core.telegram.org/bots/api#answercallbackquery: 0-200 characters.
MAX_ANSWER = 200


def set_bot_callback_answer(call: Call) -> bool:
    """The bot answers a pressed button, once."""
    query = call.world.callback_queries.get(call["query_id"])
    if query is None or query.bot != call.user.id or query.answer.done():
        raise RpcError(400, "QUERY_ID_INVALID")
    text = call.get("message") or ""
    if len(text) > MAX_ANSWER:
        raise RpcError(400, "MESSAGE_TOO_LONG")
    query.answer.set_result(
        {
            "_": "messages.botCallbackAnswer",
            "message": text or None,
            "alert": bool(call.get("alert")),
            "url": call.get("url"),
            "has_url": bool(call.get("url")),
            "cache_time": call["cache_time"],
        }
    )
    return True


async def get_bot_callback_answer(call: Call) -> TL:
    """A person presses a button and waits for the bot."""
    message = message_in(call, chat_of(call, call["peer"]), call["msg_id"])
    data: bytes = call.get("data") or b""
    if not has_button(message, data):
        raise RpcError(400, "DATA_INVALID")
    query = call.world.press(message, data)
    answer = await call.world.callback_queries.wait_for_answer(query, call.server.settings.press_timeout)
    if answer is None:
        raise RpcError(400, "BOT_RESPONSE_TIMEOUT")
    return answer


def has_button(message: Message, data: bytes) -> bool:
    """Whether the message has an inline button with this data."""
    markup = message.markup or {}
    if markup.get("kind") != "inline":
        return False
    return any(button.get("data") == data for row in markup["rows"] for button in row)
