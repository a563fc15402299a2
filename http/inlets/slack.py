"""Slack's incoming webhooks, which many programs can send: a text in Slack's markup, blocks, attachments."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from djangobot.db.messages.buttons import Button
from djangobot.db.messages.rich_text.links import link_address
from djangobot.http.inlets.common.emoji_codes import with_emoji
from djangobot.http.inlets.common.html import bold, escaped, lines, link
from djangobot.http.inlets.common.json import at, objects, present, text
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.shorten import cut

OWN = frozenset(
    [
        "text",
        "blocks",
        "attachments",
        "channel",
        "username",
        "icon_emoji",
        "icon_url",
        "mrkdwn",
        "link_names",
        "unfurl_links",
        "unfurl_media",
        "thread_ts",
        "parse",
        "response_type",
    ]
)
"""What such a body may have."""
COLOURS = {"danger": "🔴", "warning": "🟠", "good": "🟢"}
LONGEST = 40_000
"""Characters of one text, as for Slack. A longer one ends with an ellipsis."""
BLOCKS_MOST = 100
_LINK = re.compile(r"<(?P<to>[^<>|\n]{1,3000})(?:\|(?P<words>[^<>\n]{0,3000}))?>")
_MENTION = re.compile(r"[@#!]\w")
_STYLES = (
    ("b", re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,2000}?)(?<=\S)\*(?![\w*])")),
    ("i", re.compile(r"(?<![\w_])_(?=\S)([^_\n]{1,2000}?)(?<=\S)_(?![\w_])")),
    ("s", re.compile(r"(?<![\w~])~(?=\S)([^~\n]{1,2000}?)(?<=\S)~(?![\w~])")),
)
ESCAPES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_ESCAPE = re.compile("|".join(ESCAPES))
_CODE = re.compile(r"```(.{0,8000}?)```|`([^`\n]{1,2000})`", re.DOTALL)


def is_it(request: InletRequest) -> bool:
    body = request.object
    shaped = isinstance(at(body, "text"), str) or bool(
        objects(body, "blocks") or objects(body, "attachments")
    )
    return shaped and OWN.issuperset(body)


def read(request: InletRequest) -> InletMessage:
    """The blocks, or the text without them, and the attachments."""
    body = request.object
    blocks, found = objects(body, "blocks")[:BLOCKS_MOST], objects(body, "attachments")[:BLOCKS_MOST]
    said = [_block(one) for one in blocks] if blocks else [from_mrkdwn(text(body, "text"))]
    said += [_attachment(one) for one in found]
    buttons = [button for one in blocks for button in _buttons(one)]
    buttons += [button for one in found for part in objects(one, "blocks") for button in _buttons(part)]
    buttons += [button for one in found for button in _actions(one)]
    return InletMessage(
        title=text(body, "username"),
        text=lines(said) or from_mrkdwn(text(body, "text")),
        format="html",
        buttons=tuple(buttons),
    )


def answer_to(request: InletRequest) -> str:
    """As Slack answers: Alertmanager and Grafana take JSON without `"ok": true` for a failure. Whoever sends
    a text alone may be no client of Slack's and is told the id."""
    return "ok" if request.object.keys() - {"text"} else ""


def from_mrkdwn(source: str) -> str:
    """Slack's markup as HTML. What stands in code stays as it is."""
    source, written, end = cut(source, LONGEST), [], 0
    for found in _CODE.finditer(source):
        written.append(_styled(source[end : found.start()]))
        block, inline = found.groups()
        tag, code = ("code", inline) if block is None else ("pre", block.strip("\n"))
        written.append(f"<{tag}>{escape(unescaped(code), quote=False)}</{tag}>")
        end = found.end()
    return "".join((*written, _styled(source[end:])))


def _styled(source: str) -> str:
    """Escapes first: Slack's own escapes are HTML's."""
    parts, end = [], 0
    for found in _LINK.finditer(source):
        parts.append(_marked(source[end : found.start()]))
        parts.append(_linked(found))
        end = found.end()
    return "".join((*parts, _marked(source[end:])))


def _marked(source: str) -> str:
    shown = escape(with_emoji(unescaped(source)), quote=False)
    for tag, pattern in _STYLES:
        shown = pattern.sub(rf"<{tag}>\1</{tag}>", shown)
    return shown.replace("\n", "<br>")


def unescaped(source: str) -> str:
    """Slack escapes three characters. Any other entity of HTML is text: `?a=1&copy=2`."""
    return _ESCAPE.sub(lambda found: ESCAPES[found[0]], source)


def _linked(found: re.Match[str]) -> str:
    """A link, a mention (`<@U1|ann>`, `<!here>`) or a date. What is none of them is text: `<none>`."""
    to, words = unescaped(found["to"]), unescaped(found["words"] or "")
    if _MENTION.match(to):
        return escaped(words or f"@{to[1:].partition('^')[0]}", LONGEST)
    if link_address(to) is None and not words:
        return _marked(found[0])
    shown = escape(words or to.removeprefix("mailto:"), quote=False)
    return f'<a href="{escape(to)}">{shown}</a>'


def _text(part: object) -> str:
    """A text object, or a mere text."""
    said = text(part, "text") if isinstance(part, dict) else text({"text": part}, "text")
    return from_mrkdwn(said) if text(part, "type") == "mrkdwn" else escaped(with_emoji(said), LONGEST)


def _block(block: Mapping[str, Any]) -> str:
    match text(block, "type"):
        case "header":
            return bold(with_emoji(text(block, "text", "text")))
        case "section":
            return lines([_text(at(block, "text")), *(_text(field) for field in objects(block, "fields"))])
        case "context":
            return present(_text(part) or _image(part) for part in objects(block, "elements"))
        case "divider":
            return "———"
        case "image":
            return _image(block)
        case "rich_text":
            return "".join(_rich(part, 0) for part in objects(block, "elements"))
        case "markdown":
            return escaped(text(block, "text"), LONGEST)
        case "table":
            return lines(_row(row) for row in at(block, "rows") or () if isinstance(row, list))
    return lines(_text(at(block, name)) for name in ("title", "text", "description"))


def _row(cells: list[Any]) -> str:
    shown = (_rich(cell, 0).removesuffix("<br>") or _text(cell) for cell in cells)
    return present(shown, " │ ")


def _image(part: Mapping[str, Any]) -> str:
    words = text(part, "alt_text") or text(part, "title", "text") or "image"
    return link(words, text(part, "image_url")) if text(part, "type") == "image" else ""


def _rich(part: Mapping[str, Any], depth: int) -> str:
    """An element of a rich text, down to a bounded depth."""
    kind = text(part, "type")
    if depth > 5:
        return ""
    inner = "".join(_rich(one, depth + 1) for one in objects(part, "elements"))
    match kind:
        case "text":
            said = escaped_as_is(str(at(part, "text") or "")[:LONGEST])
            for name, tag in (("bold", "b"), ("italic", "i"), ("strike", "s"), ("code", "code")):
                said = f"<{tag}>{said}</{tag}>" if at(part, "style", name) is True else said
            return said
        case "link":
            return link(text(part, "text") or text(part, "url"), text(part, "url"))
        case "emoji":
            return _emoji(text(part, "unicode")) or escaped(f":{text(part, 'name')}:")
        case "user" | "channel" | "usergroup" | "broadcast":
            return escaped(f"@{text(part, 'user_id') or text(part, 'channel_id') or text(part, 'range')}")
        case "date":
            return escaped(text(part, "fallback") or text(part, "timestamp"))
        case "color":
            return escaped(text(part, "value"))
        case "rich_text_list":
            return "".join(f"• {_rich(one, depth + 1)}" for one in objects(part, "elements"))
        case "rich_text_preformatted":
            return f"<pre>{inner}</pre>"
        case "rich_text_quote":
            return f"<blockquote>{inner}</blockquote>"
    return f"{inner}<br>"


def escaped_as_is(source: str) -> str:
    """Escapes a text and keeps the spaces at its ends."""
    return escape(source, quote=False).replace("\n", "<br>")


def _emoji(points: str) -> str:
    """An emoji by its code points: `1f44b-1f3fb`."""
    try:
        return "".join(chr(int(point, 16)) for point in points[:100].split("-")) if points else ""
    except (ValueError, OverflowError):
        return ""


def _attachment(one: Mapping[str, Any]) -> str:
    """An attachment of the older kind."""
    colour = text(one, "color")
    sign = COLOURS.get(colour, "")
    fields = [
        f"{bold(text(field, 'title'))} {from_mrkdwn(text(field, 'value'))}".strip()
        for field in objects(one, "fields")[:BLOCKS_MOST]
    ]
    shown = [
        from_mrkdwn(text(one, "pretext")),
        escaped(text(one, "author_name")),
        present([sign, link(text(one, "title"), text(one, "title_link"))], " "),
        from_mrkdwn(text(one, "text")),
        *(_block(block) for block in objects(one, "blocks")[:BLOCKS_MOST]),
        *fields,
        link("image", text(one, "image_url")) if text(one, "image_url") else "",
        escaped(text(one, "footer")),
    ]
    return lines(shown) or from_mrkdwn(text(one, "fallback"))


def _buttons(block: Mapping[str, Any]) -> Iterator[Button]:
    """The buttons of a block that open an address."""
    parts = objects(block, "elements") if text(block, "type") == "actions" else [at(block, "accessory") or {}]
    for part in parts:
        if text(part, "type") == "button" and text(part, "url"):
            yield Button(text(part, "text", "text"), url=text(part, "url"))


def _actions(attachment: Mapping[str, Any]) -> Iterator[Button]:
    for action in objects(attachment, "actions"):
        if text(action, "url"):
            yield Button(text(action, "text"), url=text(action, "url"))
