"""Keyboards: stored in one form, shown in the form of each layer.

Layer 229 writes buttons differently from those before it. The stored form is
`{"kind": "inline", "rows": [[{"kind": "callback", "text": …, "data": b"…"}, …]]}`; other keyboards are
stored with `"kind": "reply" | "hide" | "force"`.
"""

import re
from typing import Any

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import user_of
from djangobot.bot.sandbox.mtproto.schema import TL, Schema

# core.telegram.org/bots/api#inlinekeyboardbutton: callback_data 1-64 bytes.
MAX_DATA = 64
# Buttons in one keyboard. Telegram publishes no number; our own choice.
MAX_BUTTONS = 100
# core.telegram.org/bots/api#inlinekeyboardbutton: HTTP or tg:// URL; clients open ton:// as well.
_ADDRESS = re.compile(r"(?i)(?:(?P<scheme>https?|tg|ton)://)?(?P<host>[^\s/?#]+)(?P<rest>(?:[/?#]\S*)?)")
# A name that others know, too: with a point in it, or an address in brackets.
_HOST = re.compile(r"(?:[\w-]+(?:\.[\w-]+)+|\[[\da-fA-F:.]+\])(?::\d{1,5})?")

# Each kind of a button as layers before 229 write it, and the type that it has since.
_INLINE = {
    "callback": ("keyboardButtonCallback", "inlineButtonTypeCallback"),
    "url": ("keyboardButtonUrl", "inlineButtonTypeUrl"),
    "login_url": ("keyboardButtonUrlAuth", "inlineButtonTypeUrlAuth"),
    "user": ("keyboardButtonUserProfile", "inlineButtonTypeUserProfile"),
    "web_app": ("keyboardButtonWebView", "inlineButtonTypeWebView"),
    "switch_inline": ("keyboardButtonSwitchInline", "inlineButtonTypeSwitchInline"),
    "copy": ("keyboardButtonCopy", "inlineButtonTypeCopy"),
}
_REPLY = {
    "text": ("keyboardButton", "buttonTypeDefault"),
    "contact": ("keyboardButtonRequestPhone", "buttonTypeRequestPhone"),
    "location": ("keyboardButtonRequestGeoLocation", "buttonTypeRequestGeoLocation"),
    "poll": ("keyboardButtonRequestPoll", "buttonTypeRequestPoll"),
    "peer": ("keyboardButtonRequestPeer", "buttonTypeRequestPeer"),
    "web_app": ("keyboardButtonSimpleWebView", "buttonTypeSimpleWebView"),
}


def stored(call: Call, markup: TL | None) -> TL | None:
    """A keyboard as it is stored; RpcError as Telegram refuses it."""
    if markup is None:
        return None
    if not call.user.bot:
        # The real server ignores keyboards of people.
        return None
    kind = markup["_"]
    if kind == "replyInlineMarkup":
        return _stored_inline(call, markup)
    if kind == "replyKeyboardMarkup":
        rows = [[_stored_button(call, button, _REPLY) for button in row["buttons"]] for row in markup["rows"]]
        flags = {
            name: True for name in ("resize", "single_use", "selective", "persistent") if markup.get(name)
        }
        return {
            "kind": "reply",
            "rows": _checked_rows(rows),
            "placeholder": markup.get("placeholder"),
            **flags,
        }
    if kind == "replyKeyboardHide":
        return {"kind": "hide"}
    return {"kind": "force", "placeholder": markup.get("placeholder")}


def _stored_inline(call: Call, markup: TL) -> TL | None:
    rows = [[_stored_button(call, button, _INLINE) for button in row["buttons"]] for row in markup["rows"]]
    rows = _checked_rows(rows)
    return {"kind": "inline", "rows": rows} if rows else None


def _checked_rows(rows: list[list[TL]]) -> list[list[TL]]:
    rows = [row for row in rows if row]
    if sum(map(len, rows)) > MAX_BUTTONS:
        raise RpcError(400, "REPLY_MARKUP_TOO_LONG")
    return rows


def _text(button: TL) -> str:
    text: str = button["text"].strip()
    if not text:
        raise RpcError(400, "BUTTON_TEXT_INVALID")
    return text


def _link(address: str) -> str:
    """A button's address as Telegram takes it: http, https, tg or ton; a bare domain is http."""
    found = _ADDRESS.fullmatch(address.strip())
    scheme = (found["scheme"] or "http") if found else ""
    if found is None or (scheme.lower().startswith("http") and not _HOST.fullmatch(found["host"])):
        raise RpcError(400, "BUTTON_URL_INVALID")
    return f"{scheme}://{found['host']}{found['rest']}"


def _stored_button(call: Call, button: TL, kinds: dict[str, tuple[str, str]]) -> TL:
    """A button in any layer's form: the fields of its type are in the button itself or in its `type`."""
    text = _text(button)
    body: dict[str, Any] = button.get("type") or button
    sent = re.sub("^input(.)", lambda found: found.group(1).lower(), body["_"])
    kind = next((kind for kind, names in kinds.items() if sent in names), None)
    if kind is None:
        raise RpcError(400, "BUTTON_TYPE_INVALID")
    style = {"style": button["style"]} if button.get("style") else {}
    return {"kind": kind, "text": text, **_fields(call, kind, body), **style}


def _fields(call: Call, kind: str, body: TL) -> TL:
    """What a button of this kind holds besides its text."""
    if kind == "callback":
        if not 1 <= len(body["data"]) <= MAX_DATA:
            raise RpcError(400, "BUTTON_DATA_INVALID")
        return {"data": body["data"]}
    if kind in ("url", "login_url", "web_app"):
        return {"url": _link(body["url"])}
    if kind == "user":
        return {"user_id": user_of(call, body["user_id"]).id}
    if kind == "switch_inline":
        return {"query": body["query"]}
    if kind == "copy":
        return {"copy": body["copy_text"]}
    if kind == "poll":
        return {} if body.get("quiz") is None else {"quiz": body["quiz"]}
    if kind == "peer":
        return {name: body.get(name, 1) for name in ("button_id", "peer_type", "max_quantity")}
    return {}


def shown(markup: TL | None, schema: Schema) -> TL | None:
    """A stored keyboard in a layer's form."""
    if markup is None:
        return None
    kind = markup["kind"]
    if kind == "hide":
        return {"_": "replyKeyboardHide"}
    if kind == "force":
        return {"_": "replyKeyboardForceReply", "placeholder": markup.get("placeholder")}
    kinds, name = (_REPLY, "replyKeyboardMarkup") if kind == "reply" else (_INLINE, "replyInlineMarkup")
    new = kind == "inline" and "keyboardInlineButtonRow" in schema
    rows = [
        {
            "_": "keyboardInlineButtonRow" if new else "keyboardButtonRow",
            "buttons": [_shown_button(button, kinds, schema) for button in row],
        }
        for row in markup["rows"]
    ]
    return {**markup, "_": name, "rows": rows}


def _shown_button(button: TL, kinds: dict[str, tuple[str, str]], schema: Schema) -> TL:
    old, new = kinds[button["kind"]]
    style = button.get("style") if "keyboardButtonStyle" in schema else None
    fields = {"button_id": 0, **button, "copy_text": button.get("copy"), "style": style}
    if new in schema:
        outer = "keyboardInlineButton" if kinds is _INLINE else "keyboardButton"
        return {"_": outer, "text": button["text"], "style": style, "type": {**fields, "_": new}}
    # A kind that came later than the layer is a plain button there.
    return {**fields, "_": old if old in schema else "keyboardButton"}
