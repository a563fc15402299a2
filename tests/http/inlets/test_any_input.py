"""Whatever foreign programs send is a message that can be read, or is refused; it is never an error of ours.

INLETS_SEED and INLETS_EXAMPLES are for a longer hunt.
"""

import copy
import json
import os
import random
import time
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from djangobot.db.fields import visible
from djangobot.db.messages.content import TITLE_LIMIT, decode
from djangobot.db.messages.incidents import Update
from djangobot.db.messages.new_message import TEXT_LIMIT, NewMessage
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import LARGEST, InletRequest
from djangobot.http.inlets.common.shorten import rows, shortened
from djangobot.http.inlets.hook_formats import FORMATS, Format, format_of

from ..conftest import Api
from .recorded import recorded

SEED = int(os.environ.get("INLETS_SEED", "16"))
EXAMPLES = int(os.environ.get("INLETS_EXAMPLES", "40"))
BODIES = list(recorded())
ODD: list[Any] = [
    None, True, 0, -1, 1e308, 10**400, "", " ", "x" * 5000, "\x00", "\ud800", "\u202e", "<b>", "]]>", "&#0;",
    [], {}, [None], [[[]]], {"": ""}, {"\x00": {"status": []}}, "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00", "2026-13-40T99:99:99Z", "http://[", "https://" + "x" * 3000,
    "javascript:alert(1)", "😀" * 300, "e" + "\u0301" * 500,
]  # fmt: skip
"""Values that are put in the place of any other."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=20,
)


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value within a value."""
    found = [path] if path else []
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found += places(value[key], (*path, key))  # type: ignore[index]
    return found


@st.composite
def spoiled(draw: st.DrawFn) -> InletRequest:
    """A recorded request, with some of its values replaced or left out, and odd headers."""
    one = draw(st.sampled_from(BODIES))
    body, headers = copy.deepcopy(one.body), dict(one.headers)
    for _ in range(draw(st.integers(1, 4))):
        found = places(body)
        if not found:
            break
        *path, last = draw(st.sampled_from(found))
        inside: Any = body
        for key in path:
            inside = inside[key]
        if isinstance(inside, dict) and draw(st.booleans()):
            del inside[last]
        else:
            inside[last] = copy.deepcopy(draw(st.sampled_from(ODD) | json_values))
    for name in draw(st.lists(st.sampled_from([*headers, "idempotency-key", "request-id"]), max_size=2)):
        headers[name] = draw(st.text(max_size=300))
    query = draw(st.sampled_from([{}, *({"as": one.name} for one in FORMATS)]))
    return InletRequest(headers, query, json.dumps(body).encode())


def check(message: InletMessage) -> None:
    """It is within all bounds, and people see something of it."""
    short = shortened(message)
    new = NewMessage(
        text=short.text,
        format=short.format,
        title=short.title,
        tags=short.tags,
        buttons=rows(short.buttons),
        replace=short.replace,
        key=short.key,
    )
    if not short.files:
        new.check()
        shown = new._formatted()
        assert visible(shown.text)
        assert len(shown.text) <= 2 * TEXT_LIMIT
        decode(shown.rich)
    assert len(short.title) <= TITLE_LIMIT
    if short.incident is not None:
        assert json.loads(
            json.dumps([state.order for state in short.incident.states.values()], allow_nan=False)
        )
        assert isinstance(short.incident, Update)


@pytest.fixture(autouse=True)
def _told() -> None:
    print(f"INLETS_SEED={SEED} INLETS_EXAMPLES={EXAMPLES}")


every_example = settings(
    max_examples=EXAMPLES * 5,
    deadline=None,
    database=None,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.data_too_large,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)


@hypothesis.seed(SEED)
@every_example
@given(spoiled())
def test_a_spoiled_request_is_a_message(request: InletRequest) -> None:
    """Any field of any program may be missing or of another kind."""
    check(format_of(request).read(request))


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
@hypothesis.seed(SEED)
@settings(every_example, max_examples=EXAMPLES)
@given(value=json_values)
def test_any_json_is_a_message(one: Format, value: object) -> None:
    """By every format, whoever names it."""
    request = InletRequest({}, {"as": one.name}, json.dumps(value).encode())
    check(format_of(request).read(request))


@hypothesis.seed(SEED)
@every_example
@given(
    body=st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace")),
    kind=st.sampled_from(
        [
            "",
            "application/json",
            "text/plain; charset=utf-16",
            "application/x-www-form-urlencoded",
            "x",
            "image/png",
        ]
    ),
    query=st.dictionaries(st.sampled_from(["as", "text", "title", "x"]), st.text(max_size=40), max_size=3),
)
def test_any_bytes_are_a_message(body: bytes, kind: str, query: dict[str, str]) -> None:
    """Of any declared type."""
    request = InletRequest({"content-type": kind}, query, body)
    check(format_of(request).read(request))


async def test_no_request_is_an_error_of_ours(api: Api) -> None:
    """Over the real door, to every inlet: any bytes, any headers, any query. What is taken can be read."""
    chosen = random.Random(SEED)
    access = await api.access()
    token = await api.bot_token(access)
    paths = [
        "/api/hook",
        f"/api/hook/{token}",
        f"/api/hook/{token}?as=slack",
        "/message",
        f"/{token}",
        "/",
        "/a/b",
    ]
    kinds = [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "x",
    ]
    odd = [
        b"",
        b"{",
        b"\xff" * 9,
        b'{"topic":1}',
        b"--b\r\n",
        b"a=%zz&b",
        "ж".encode("utf-16"),
        b"[1e999]",
        b"null",
    ]
    names = ["title", "tags", "actions", "delay", "priority", "x-github-event", "click", "attach", "filename"]
    for _ in range(EXAMPLES * 3):
        one = chosen.choice(BODIES)
        body = chosen.choice([one.content, chosen.randbytes(chosen.randrange(60)), chosen.choice(odd)])
        headers = {"authorization": f"Bearer {token}".encode(), "content-type": chosen.choice(kinds).encode()}
        for name in chosen.sample(names, chosen.randrange(4)):
            value = chosen.choice(
                ["", "1", "é", "=?utf-8?q?=", "view, a, http://[", "9999 years", "{" * 50, "x" * 4000]
            )
            headers[name] = value.encode()
        encoded = {name.encode(): value for name, value in headers.items()}
        answer = await api.client.post(chosen.choice(paths), content=body, headers=encoded)
        assert answer.status_code < 500, (answer.status_code, answer.text, headers, body)
    await api.deliver()
    messages = (await api.client.get("/api/cabinet?limit=100", headers=access)).json()["messages"]
    assert len(messages) > 20
    assert all(visible(line["text"]) or line["files"] for line in messages)


def alerts(count: int) -> bytes:
    (first, *_) = next(one.body["alerts"] for one in BODIES if one.format == "alertmanager")
    body = {"groupKey": "x", "alerts": [{**first, "fingerprint": str(number)} for number in range(count)]}
    return json.dumps(body).encode()


LONG: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "alerts": ("alertmanager", lambda size: alerts(size // 700)),
    "values": (
        "grafana",
        lambda size: b'{"alerts":[{"valueString":"%s"}],"orgId":1}' % (b"var='B' " * (size // 8)),
    ),
    "links": ("slack", lambda size: b'{"text":"%s"}' % (b"<a|" * (size // 3))),
    "stars": ("slack", lambda size: b'{"text":"%s"}' % (b"*a _b ~c " * (size // 9))),
    "code": ("slack", lambda size: b'{"text":"%s"}' % (b"`` ``` " * (size // 7))),
    "blocks": ("slack", lambda size: b'{"blocks":[%s{}]}' % (b'{"type":"section"},' * (size // 19))),
    "brackets": ("json", lambda size: b"[" * size),
    "nested": ("json", lambda size: b"[" * (size // 2) + b"]" * (size // 2)),
    "fields": (
        "json",
        lambda size: b"{" + b",".join(b'"%d":1' % number for number in range(size // 10)) + b"}",
    ),
    "form": ("form", lambda size: b"a=1&" * (size // 4)),
    "spaces": ("text", lambda size: b" " * size),
    "commits": ("github", lambda size: b'{"commits":[%s{}]}' % (b'{"id":"1"},' * (size // 11))),
    "marks": ("text", lambda size: "e\u0301".encode() * (size // 3)),
}
TIMES, GROWTH_LIMIT, NOISE = 8, 3.0, 0.02


@pytest.mark.parametrize("name", LONG)
def test_time_grows_with_the_length_and_no_faster(name: str) -> None:
    """Up to the largest body that is taken: the processor's time for a byte of a long and of a short body."""
    format_name, make = LONG[name]
    headers = {"x-github-event": "push"} if format_name == "github" else {}
    found = float("inf")
    for _ in range(3):
        times = []
        for size in (LARGEST // TIMES, LARGEST):
            request = InletRequest(headers, {"as": format_name}, make(size)[:LARGEST])
            start = time.process_time()
            shortened(format_of(request).read(request))
            times.append(max(time.process_time() - start, NOISE))
        found = min(found, times[1] / times[0] / TIMES)
        if found <= GROWTH_LIMIT:
            break
    assert found <= GROWTH_LIMIT
