"""What the JSON API shows of people, chats and messages."""

from typing import Any

from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Chat, Extras, File, Message, User, World

# core.telegram.org/bots/api#messageentity. Other types are called as in the schema, in small letters.
_ENTITY_NAMES = {
    "messageEntityTextUrl": "text_link",
    "messageEntityMentionName": "text_mention",
    "messageEntityStrike": "strikethrough",
    "messageEntityBotCommand": "bot_command",
    "messageEntityCustomEmoji": "custom_emoji",
    "messageEntityPhone": "phone_number",
    "messageEntityBankCard": "bank_card",
}
# What Telegram may show a preview of.
_LINKS = {"messageEntityUrl", "messageEntityTextUrl"}


def person_view(user: User) -> dict[str, Any]:
    """A person."""
    return {
        "id": user.id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "username": user.username,
        "language": user.language,
        "phone": user.phone,
        "deleted": user.deleted,
    }


def chat_view(chat: Chat | None) -> dict[str, Any]:
    """What concerns a person's chat with the bot."""
    return {"started": bool(chat and chat.started), "blocked": bool(chat and chat.blocked)}


def message_view(world: World, message: Message) -> dict[str, Any]:
    """A message, as docs/sandbox.md shows it."""
    markup = message.markup or {}
    rows, kind = markup.get("rows", []), markup.get("kind")
    buttons, keyboard = (rows if kind == name else [] for name in ("inline", "reply"))
    file = world.files.get(message.file) if message.file is not None else None
    return {
        "id": message.id,
        "from": "bot" if message.from_bot else "person",
        "text": message.text,
        "entities": [entity_view(entity) for entity in message.entities],
        "buttons": [[button_view(button) for button in row] for row in buttons],
        "keyboard": [[button["text"] for button in row] for row in keyboard],
        "keyboard_kinds": [[button["kind"] for button in row] for row in keyboard],
        "keyboard_removed": kind == "hide",
        "file": None if file is None else file_view(file, message.spoiler),
        **extras_view(message.extras or Extras()),
        "preview": not message.no_preview and not file and _has_link(message),
        "reply_to": message.reply_to,
        "group": message.grouped or None,
        "silent": message.silent,
        "date": message.date,
        "edited": bool(message.edited),
        "edit_date": message.edited or None,
        "deleted": message.deleted,
        "random_id": message.random_id or None,
    }


def extras_view(extras: Extras) -> dict[str, Any]:
    """What few messages have."""
    return {
        "attached": extras.attached,
        "forwarded": extras.forwarded,
        "pinned": extras.pinned,
        "reactions": [{"from": who, "emoji": emoji} for who, emoji in extras.reactions.items()],
    }


def file_view(file: File, spoiler: bool) -> dict[str, Any]:
    """A message's file."""
    return {
        "id": file.id,
        "name": file.name,
        "mime": file.mime,
        "size": file.size,
        "kind": file.kind,
        "width": file.width,
        "height": file.height,
        "duration": file.duration or None,
        "title": file.title,
        "performer": file.performer,
        "spoiler": spoiler,
        "url": f"/files/{file.id}",
    }


def _has_link(message: Message) -> bool:
    return any(entity["_"] in _LINKS for entity in message.entities)


def entity_view(entity: TL) -> dict[str, Any]:
    """An entity with the Bot API's name of its type."""
    name: str = entity["_"]
    short = _ENTITY_NAMES.get(name) or name.removeprefix("messageEntity").lower()
    rest = {key: value for key, value in entity.items() if key != "_" and not isinstance(value, bytes)}
    return {"type": short, **rest}


def button_view(button: TL) -> dict[str, Any]:
    """An inline button."""
    return {
        key: value.decode(errors="replace") if isinstance(value, bytes) else value
        for key, value in button.items()
        if key != "kind"
    } | {"kind": button["kind"]}
