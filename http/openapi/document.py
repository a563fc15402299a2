"""The OpenAPI document: every call with every status it can answer, each with an example.

It is written by hand, not derived from the handlers. They read bytes and raise errors, which no generator
sees. A test compares it with the table of routes.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from djangobot.db.messages.buttons import BUTTON_TEXT_LIMIT, BUTTON_URL_LIMIT, BUTTON_VALUE_LIMIT
from djangobot.db.messages.files.incoming_files import FILES_MOST
from djangobot.http import errors
from djangobot.http.body.bodies import ENCODED, MULTIPART
from djangobot.http.body.fields import LINE
from djangobot.http.body.multipart import FORM_DATA, OTHER_MULTIPART
from djangobot.http.messages.sending import SendResult
from djangobot.http.openapi import accounts, gotify, health, inlets, messages, ntfy
from djangobot.http.openapi.operation import Json, Operation
from djangobot.http.responses import JSON, Refusal

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    **accounts.OPERATIONS,
    **messages.OPERATIONS,
    **inlets.OPERATIONS,
    **gotify.OPERATIONS,
    **ntfy.OPERATIONS,
    **health.OPERATIONS,
}

INLETS = frozenset(operation.inlet for operation in OPERATIONS.values() if operation.inlet)
ABOUT = """\
Programs send messages to people in Telegram with one call.

1. `POST /api/user/` makes an account, `POST /api/auth/` signs it in (the access token lives a day).
2. The person opens the bot in Telegram and gets a code, valid for 10 minutes.
3. `POST /api/cabinet/` exchanges the code for a bot token.
4. `POST /api/send_message` with that bot token writes to the person.

Every answer is JSON with `answer`; a refusal says there, in a sentence, what is wrong, and names the
fields at fault in `details`. Slashes at the end of a path do not matter. Bodies are read as JSON whatever
`Content-Type` says (multipart excepted) and may have 64 KiB; `POST /api/send_message` takes forms of both
kinds and plain text, too. Fields and query parameters that are not known are refused; `/api/hook` and the
calls of Gotify and ntfy ignore them, for they take what other programs send. docs/senders.md tells more of
those.
"""

FILE_PARTS: Json = {
    "description": "Files, each a part of this name. `DJANGOBOT_FILE_LIMIT` bounds their bytes together.",
    "type": "array",
    "maxItems": FILES_MOST,
    "items": {"type": "string", "format": "binary", "minLength": 1},
}
NO_NUL = r"^[^\u0000]*$"


def openapi_document(version: str, address: str = "", inlets: Collection[str] = INLETS) -> Json:
    """The document. `address`: where programs reach us, when it is set. `inlets`: those that are open."""
    paths: dict[str, Json] = {}
    for (method, path), operation in OPERATIONS.items():
        if operation.inlet and operation.inlet not in inlets:
            continue
        paths.setdefault(path, {})[method] = _operation(method, path, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "DjangoBot", "version": version, "description": ABOUT},
        **({"servers": [{"url": address}]} if address else {}),
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "accessToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "From POST /api/auth/.",
                },
                "botToken": {"type": "http", "scheme": "bearer", "description": "From POST /api/cabinet/."},
                "basic": {"type": "http", "scheme": "basic", "description": "A bot token as the password."},
                "gotifyKey": {"type": "apiKey", "in": "header", "name": "X-Gotify-Key"},
                "gotifyToken": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
    }


def _schemas() -> Json:
    shapes: set[type[msgspec.Struct]] = {Refusal, SendResult}
    for operation in OPERATIONS.values():
        answers = [*operation.success.values(), *operation.more.values()]
        shapes |= {answer.shape for answer in answers if isinstance(answer.shape, type)}
        shapes.add(type(operation.refusal(500, errors.BUG)))
        if operation.body is not None:
            shapes.add(operation.body)
    _, components = msgspec.json.schema_components(
        sorted(shapes, key=lambda shape: shape.__name__), ref_template="#/components/schemas/{name}"
    )
    for schema in components.values():
        for described in schema.get("properties", {}).values():
            described.pop("default", None)  # generators treat a field with a default as always present
    components["Changes"]["minProperties"] = 1
    message = components["SendMessage"]
    for title, more in (("SendMessageForm", {}), ("SendMessageMultipart", {"file": FILE_PARTS})):
        components[title] = _as_form(message, title, more)  # generated clients tell bodies by their type
    components["Button"] = {**components["Button"], **BUTTON}
    components["SendMessage"] = {
        **_with_any_text(message),
        "if": {"required": ["files"], "properties": {"files": {"minItems": 1}}},
        "else": {"required": ["text"], "properties": {"text": message["properties"]["text"]}},
    }
    components["SendMessageMultipart"] = _with_any_text(components["SendMessageMultipart"])
    return components


BUTTON: Json = {
    "description": "A button that opens a `url`, or gives a `value` back.",
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": BUTTON_TEXT_LIMIT, "pattern": LINE},
        "url": {
            "type": "string",
            "maxLength": BUTTON_URL_LIMIT,
            "pattern": r"^(https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?|tg://[A-Za-z0-9]+)([/?#][!-~]*)?$",
        },
        "value": {"type": "string", "minLength": 1, "maxLength": BUTTON_VALUE_LIMIT, "pattern": LINE},
    },
    "if": {"required": ["url"]},
    "then": {"not": {"required": ["value"]}},
    "else": {"required": ["value"]},
}
"""A button has either `url` or `value`."""


NOT_TRIED_OUT = ("tags", "buttons", "replace", "reply_to", "delay", "send_at")
"""Fields that a page must not fill in for its reader. The calls take them in a form, too."""


def _in_a_form(schema: Json) -> Json:
    """Lists are written as JSON."""
    if schema.get("type") != "array":
        return schema
    example = msgspec.json.encode(schema["examples"][0]).decode()
    about = f"{schema['description']} Written as JSON."
    return {
        "type": "string",
        "contentMediaType": "application/json",
        "description": about,
        "examples": [example],
    }


def _as_form(message: Json, title: str, more: Json) -> Json:
    """The schema without the token: a page that tries forms out would fill in every field, with a made-up
    token too. Files in base64 are for JSON."""
    left_out = ("bot_token", "files")
    properties = {
        name: _in_a_form(schema)
        for name, schema in message["properties"].items()
        if name not in left_out and not (name in NOT_TRIED_OUT and title == "SendMessageForm")
    }
    about = (
        "The same as a form; `bot_token` is taken as a field, too, where it can't be sent as Bearer, and so "
        "are the other fields of the JSON."
    )
    return {**message, "title": title, "description": about, "properties": {**properties, **more}}


def _with_any_text(message: Json) -> Json:
    """The schema in which the text may be empty or left out, as it may beside a file."""
    text: Json = {**message["properties"]["text"], "minLength": 0, "pattern": NO_NUL}
    text["description"] += " May be left out when there is a file."
    properties = {**message["properties"], "text": text}
    return {**{name: rule for name, rule in message.items() if name != "required"}, "properties": properties}


def _operation(method: str, path: str, operation: Operation) -> Json:
    written: Json = {
        "operationId": re.sub(r"\W+", "_", f"{method} {path.removeprefix('/api')}").strip("_"),
        "summary": operation.summary,
        "tags": [operation.inlet or path.strip("/").removeprefix("api/").split("/")[0]],
        "responses": _responses(operation),
    }
    if operation.description:
        written["description"] = operation.description
    if operation.parameters:
        written["parameters"] = list(operation.parameters)
    if operation.security:
        written["security"] = [{name: []} if name else {} for name in operation.security]
    if operation.takes_body:
        written["requestBody"] = {
            "required": operation.body is not None and operation.body_required,
            "content": {**_json_body(operation), **operation.other_bodies},
        }
    return written


def _json_body(operation: Operation) -> Json:
    if operation.body is not None:
        return {JSON: {"schema": _ref(operation.body), "example": operation.body_example}}
    return {} if operation.any_body is None else {JSON: {"schema": {}, "example": operation.any_body}}


def _responses(operation: Operation) -> Json:
    responses: Json = {}
    for status, success in {**operation.success, **operation.more}.items():
        response = _response(success.means, success.shape, {"example": success.example})
        response["content"] |= success.other
        responses[str(status)] = response
    for status, means in operation.bodyless.items():
        responses[str(status)] = {"description": means}
    for status, sentences in sorted(_refusals(operation).items()):
        if str(status) in responses:
            continue
        refusals = {sentence: operation.refusal(status, sentence) for sentence in sentences}
        examples = {sentence: {"value": msgspec.to_builtins(told)} for sentence, told in refusals.items()}
        shape = type(refusals[sentences[0]])
        responses[str(status)] = _response(" ".join(sentences), shape, {"examples": examples})
    for code, response in responses.items():
        headers = dict(operation.headers) if code in ("200", "202", "304") else {}
        if code == "401":
            headers["WWW-Authenticate"] = "Bearer, with error=invalid_token for a token that is not valid."
        if code in ("429", "503"):
            headers["Retry-After"] = "Seconds."
        if headers:
            response["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
            }
    return dict(sorted(responses.items()))


def _refusals(operation: Operation) -> dict[int, list[str]]:
    """Status → the sentences that come with it."""
    refusals: dict[int, list[str]] = {500: [errors.BUG]}
    for error in operation.refusals:
        refusals.setdefault(errors.status_of(error), []).append(error.sentence)
    if operation.takes_body:
        takes_forms = operation.inlet or FORM_DATA in operation.other_bodies
        refusals.setdefault(413, []).append(operation.too_large.format(operation.largest))
        refusals.setdefault(415, []).extend([OTHER_MULTIPART if takes_forms else MULTIPART, ENCODED])
    return refusals


def _response(means: str, shape: Any, example: Json) -> Json:
    schema = {"anyOf": [_ref(one) for one in shape.__args__]} if hasattr(shape, "__args__") else _ref(shape)
    return {"description": means, "content": {JSON: {"schema": schema, **example}}}


def _ref(shape: type[msgspec.Struct]) -> Json:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}
