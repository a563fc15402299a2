"""Keyboards: stored in one form, shown in the form of each layer.

Layer 229 writes inline buttons differently from layer 158. The stored form is
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
        rows = [[{"text": _text(button)} for button in row["buttons"]] for row in markup["rows"]]
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
    rows = [[_stored_button(call, button) for button in row["buttons"]] for row in markup["rows"]]
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


def _stored_button(call: Call, button: TL) -> TL:
    """A button in either layer's form: the fields of its type are in the button itself or in its `type`."""
    text = _text(button)
    body: dict[str, Any] = button.get("type") or button
    kind: str = body["_"]
    if kind in ("keyboardButtonCallback", "inlineButtonTypeCallback"):
        if not 1 <= len(body["data"]) <= MAX_DATA:
            raise RpcError(400, "BUTTON_DATA_INVALID")
        return {"kind": "callback", "text": text, "data": body["data"]}
    if kind in ("keyboardButtonUrl", "inlineButtonTypeUrl"):
        return {"kind": "url", "text": text, "url": _link(body["url"])}
    if kind in ("inputKeyboardButtonUrlAuth", "inputInlineButtonTypeUrlAuth"):
        return {"kind": "login_url", "text": text, "url": _link(body["url"])}
    if kind in ("keyboardButtonWebView", "inlineButtonTypeWebView"):
        return {"kind": "web_app", "text": text, "url": _link(body["url"])}
    if kind in ("inputKeyboardButtonUserProfile", "inputInlineButtonTypeUserProfile"):
        return {"kind": "user", "text": text, "user_id": user_of(call, body["user_id"]).id}
    if kind in ("keyboardButtonSwitchInline", "inlineButtonTypeSwitchInline"):
        return {"kind": "switch_inline", "text": text, "query": body["query"]}
    if kind == "inlineButtonTypeCopy":
        return {"kind": "copy", "text": text, "copy": body["copy_text"]}
    raise RpcError(400, "BUTTON_TYPE_INVALID")


def shown(markup: TL | None, schema: Schema) -> TL | None:
    """A stored keyboard in a layer's form."""
    if markup is None:
        return None
    kind = markup["kind"]
    if kind == "hide":
        return {"_": "replyKeyboardHide"}
    if kind == "force":
        return {"_": "replyKeyboardForceReply", "placeholder": markup.get("placeholder")}
    new = "keyboardInlineButton" in schema
    if kind == "reply":
        return {
            **markup,
            "_": "replyKeyboardMarkup",
            "rows": [
                {
                    "_": "keyboardButtonRow",
                    "buttons": [
                        {"_": "keyboardButton", "text": button["text"], "type": {"_": "buttonTypeDefault"}}
                        for button in row
                    ],
                }
                for row in markup["rows"]
            ],
        }
    row_name = "keyboardInlineButtonRow" if new else "keyboardButtonRow"
    button = _new_button if new else _old_button
    return {
        "_": "replyInlineMarkup",
        "rows": [
            {"_": row_name, "buttons": [button(stored_button) for stored_button in row]}
            for row in markup["rows"]
        ],
    }


def _old_button(button: TL) -> TL:
    name = {
        "callback": "keyboardButtonCallback",
        "url": "keyboardButtonUrl",
        "login_url": "keyboardButtonUrlAuth",
        "user": "keyboardButtonUserProfile",
        "web_app": "keyboardButtonWebView",
        "switch_inline": "keyboardButtonSwitchInline",
    }.get(button["kind"])
    # Copy buttons came after layer 158: an old client sees a plain button.
    return {**button, "_": name, "button_id": 0} if name else {"_": "keyboardButton", "text": button["text"]}


def _new_button(button: TL) -> TL:
    name = {
        "callback": "inlineButtonTypeCallback",
        "url": "inlineButtonTypeUrl",
        "login_url": "inlineButtonTypeUrlAuth",
        "user": "inlineButtonTypeUserProfile",
        "web_app": "inlineButtonTypeWebView",
        "switch_inline": "inlineButtonTypeSwitchInline",
        "copy": "inlineButtonTypeCopy",
    }[button["kind"]]
    inner = {**button, "_": name, "copy_text": button.get("copy"), "button_id": 0}
    return {"_": "keyboardInlineButton", "text": button["text"], "type": inner}
