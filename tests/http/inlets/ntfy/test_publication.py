"""What a client of ntfy publishes: every parameter under all its names, and the message made of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.db.messages.buttons import Button
from djangobot.db.messages.new_message import TEXT_LIMIT, Accepted
from djangobot.db.messages.rich_text.formats import parse
from djangobot.http.errors import Refused
from djangobot.http.inlets.common.message import InletFile, InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.ntfy.publication import (
    Publication,
    PublicationRefused,
    message_of,
    of_json,
    published,
    read,
)

Strings = Mapping[str, str]
NONE: Strings = {}
NOW = datetime(2021, 12, 10, 10, 17, 23, tzinfo=UTC)
NAMES = {
    "title": ("x-title", "title", "t"),
    "text": ("x-message", "message", "m"),
    "priority": ("x-priority", "priority", "prio", "p"),
    "tags": ("x-tags", "tags", "tag", "ta"),
    "click": ("x-click", "click"),
    "attach": ("x-attach", "attach", "a"),
    "actions": ("x-actions", "actions", "action"),
    "delay": ("x-delay", "delay", "x-at", "at", "x-in", "in"),
    "markdown": ("x-markdown", "markdown", "md"),
    "sequence": ("x-sequence-id", "sequence-id", "sid"),
}
VALUES: dict[str, tuple[str, Any]] = {
    "title": ("Title", "Title"),
    "text": ("one\\ntwo", "one\ntwo"),
    "priority": ("urgent", 5),
    "tags": ("warning, ssh-login,,", ("warning", "ssh-login")),
    "click": ("https://a.b", "https://a.b"),
    "attach": ("https://a.b/c.jpg", "https://a.b/c.jpg"),
    "actions": ("view, A, https://a.b", 1),
    "delay": ("30min", 1800.0),
    "markdown": ("yes", True),
    "sequence": ("seq1", "seq1"),
}


def publication(body: bytes = b"", headers: Strings = NONE, query: Strings = NONE) -> Publication:
    return read(InletRequest(headers, query, body), "topic", NOW)


def in_json(**fields: Any) -> Publication:
    request = InletRequest({}, {}, json.dumps(fields).encode())
    return read(request, "topic", NOW, of_json(request))


def message(body: bytes = b"", headers: Strings = NONE, query: Strings = NONE) -> InletMessage:
    return message_of(publication(body, headers, query))


@pytest.mark.parametrize("field", NAMES)
def test_a_parameter_has_several_names(field: str) -> None:
    """As headers and in the query; a header counts first, and so does the longer name."""
    written, meant = VALUES[field]
    for name in NAMES[field]:
        for found in (publication(headers={name: written}), publication(query={name: written})):
            value = getattr(found, field)
            assert (len(value) if field == "actions" else value) == meant, name
    title = publication(headers={"title": "header", "x-title": "longer"}, query={"x-title": "query"})
    assert title.title == "longer"


def test_json_has_the_same_fields() -> None:
    """Also with lists, numbers, and names in upper case."""
    found = in_json(
        topic="topic", Title="T", message="m", priority=4, tags=["tada", "disk"], click="https://a.b",
        attach="https://a.b/c", actions=[{"action": "view", "label": "L", "url": "https://a.b"}],
        delay="1h", markdown=True, sequence_id="s", filename="f.txt",
    )  # fmt: skip
    assert (found.title, found.text, found.priority, found.tags) == ("T", "m", 4, ("tada", "disk"))
    assert (found.click, found.attach, found.delay) == ("https://a.b", "https://a.b/c", 3600.0)
    assert (found.markdown, found.sequence, found.files) == (True, "s", ())
    assert [one.label for one in found.actions] == ["L"]
    assert in_json(message="C:\\new\nline").text == "C:\\new\nline"


def test_headers_are_utf_8_or_encoded_words() -> None:
    """RFC 2047, in both of its encodings; what is none stays as it is."""
    for header, title in (
        ("Привет 😀", "Привет 😀"),
        ("=?utf-8?q?=D0=9F=D1=80=D0=B8=D0=B2=D0=B5=D1=82?=", "Привет"),
        ("=?UTF-8?B?8J+YgCBoaQ==?=", "😀 hi"),
        ("=?iso-8859-1?q?=A1Hola!?= =?utf-8?q?_x?=", "¡Hola! x"),
        ("=?utf-8?q?broken", "=?utf-8?q?broken"),
        ("=?nonsense?q?abc?=", "=?nonsense?q?abc?="),
        ("=?utf-8?b?!!!?=", "=?utf-8?b?!!!?="),
    ):
        found = publication(headers={"title": header}).title
        assert found == title or "!!!" in header, header


def test_the_priority_of_http_itself_is_none_of_ours() -> None:
    """Proxies add `Priority: u=3, i`."""
    assert publication(headers={"priority": "u=4, i"}, query={"p": "5"}).priority == 5
    assert publication(headers={"priority": "u=1"}).priority == 3


@pytest.mark.parametrize(
    ("written", "silent", "urgent"),
    [("1", True, False), ("min", True, False), ("low", True, False), ("3", False, False), ("", False, False),
     ("default", False, False), ("High", False, False), ("max", False, True), ("urgent", False, True)],
)  # fmt: skip
def test_a_priority_says_how_loud_a_message_is(written: str, silent: bool, urgent: bool) -> None:
    """Only the highest overtakes others and breaks through quiet hours."""
    found = message(query={"p": written})
    assert (found.silent, found.urgent) == (silent, urgent)


def test_tags_are_emoji_before_the_title_and_hashtags() -> None:
    """Without a title they stand before the text."""
    found = message(b"text", {"title": "Title", "tags": "warning,+1,ssh-login,de"})
    assert (found.title, found.text, found.tags) == ("⚠️ 👍 🇩🇪 Title", "text", ("ssh-login",))
    found = message(b"text", {"tags": "tada"})
    assert (found.title, found.text, found.tags) == ("", "🎉 text", ())
    assert message(query={"tags": "skull"}).text == "💀 triggered"


def test_a_body_is_the_text() -> None:
    """Without the white space around it; nothing at all is `triggered`."""
    assert message(b"  one\n two \n").text == "one\n two"
    assert message(b"\xef\xbb\xbfone").text == "one"
    assert message().text == "triggered"
    assert message(b"body", query={"m": "query"}).text == "body"
    assert message(b"a=b&c=d", {"content-type": "application/x-www-form-urlencoded"}).text == "a=b&c=d"
    assert in_json(topic="topic").text == "triggered"


def test_a_body_with_a_name_is_a_file() -> None:
    """Its text is a parameter, if there is one."""
    found = message(b"content", {"filename": "a.txt", "message": "look"})
    assert (found.text, found.files) == ("look", (InletFile("a.txt", b"content"),))
    found = message(b"content", query={"f": "b.txt"})
    assert (found.text, found.files) == ("", (InletFile("b.txt", b"content"),))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\x89PNG\r\n\x1a\n\xff", "attachment.png"),
        (b"\xff\xd8\xff\xe0\x00", "attachment.jpg"),
        (b"\xff\xfe\x00", "attachment.bin"),
        (b"x" * (TEXT_LIMIT + 1), "attachment.txt"),
    ],
)
def test_a_body_that_is_no_text_is_a_file(body: bytes, name: str) -> None:
    """So is a text that no message holds."""
    assert message(body).files == (InletFile(name, body),)


def test_what_is_attached_by_its_address_is_a_link() -> None:
    """Telegram shows a preview of it; the body stays the text."""
    found = message(b"look", {"attach": "https://a.b/c.jpg"})
    assert (found.text, found.preview, found.files) == ("look\n\n📎 https://a.b/c.jpg", True, ())
    found = message(b"look", {"attach": "https://a.b/c.jpg", "filename": "my_c.jpg", "markdown": "1"})
    assert found.text == "look\n\n📎 my\\_c\\.jpg: <https://a.b/c.jpg>"


def test_links_are_buttons() -> None:
    """The click, and actions that open an address. Another action would be another request in a browser."""
    actions = "view, Open, https://a.b; http, Get, https://a.b/get, method=GET; http, Post, https://a.b/post"
    found = message(b"text", {"actions": actions, "click": "https://c.d/e"})
    assert found.buttons == (
        Button("Open", url="https://a.b"),
        Button("Get", url="https://a.b/get"),
        Button("c.d", url="https://c.d/e"),
    )
    assert found.text == "text"
    once = message(b"text", {"actions": "view, Open, https://a.b", "click": "https://a.b"})
    assert len(once.buttons) == 1


def test_tags_that_can_be_no_hashtags_are_a_line() -> None:
    """Numbers, emoji, and what is more than eight."""
    found = message(b"text", {"tags": "warning,disk-full,42,🔥,4*2", "title": "T", "markdown": "yes"})
    assert (found.title, found.tags[:1]) == ("⚠️ T", ("disk-full",))
    assert parse(found.text, "markdown").text == "text\n\n🏷 42, 🔥, 4*2"
    many = message(b"text", {"tags": ",".join(f"t{number}" for number in range(10))})
    assert many.text == "text\n\n🏷 t8, t9"


def test_a_link_that_telegram_takes_no_button_for_is_a_line() -> None:
    """Telegram would refuse the whole message."""
    found = message(b"text", {"actions": "view, NAS, http://nas:5000", "click": "mailto:a@b.c"})
    assert (found.text, found.buttons) == ("text\n\n🔗 NAS: http://nas:5000\n\n🔗 mailto:a@b.c", ())


def test_markdown_is_said_by_a_switch_or_by_the_content_type() -> None:
    """`no` switches it off."""
    assert message(b"*a*", {"content-type": "text/markdown"}).format == "markdown"
    assert message(b"*a*", query={"md": "1"}).format == "markdown"
    assert message(b"*a*", query={"md": "no"}).format == "plain"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"p": "INVALID"}, 40007),
        ({"p": "6"}, 40007),
        ({"delay": "INVALID"}, 40004),
        ({"delay": "-1h"}, 40005),
        ({"x-in": "99999h"}, 40006),
        ({"delay": "9999999999999999999"}, 40006),
        ({"attach": "not a URL"}, 40013),
        ({"actions": "nonsense"}, 40018),
    ],
)
def test_what_ntfy_refuses_has_its_number(query: dict[str, str], code: int) -> None:
    """The numbers that ntfy documents."""
    with pytest.raises(PublicationRefused) as refused:
        publication(b"text", query=query)
    assert (refused.value.code, refused.value.status) == (code, 400)


@pytest.mark.parametrize("body", [b"", b"text", b"[]", b'"topic"', b'{"topic": '])
def test_json_must_be_an_object(body: bytes) -> None:
    """As for ntfy."""
    with pytest.raises(PublicationRefused) as refused:
        of_json(InletRequest({}, {}, body))
    assert refused.value.code == 40024


def test_the_answer_is_ntfy_s_message_object() -> None:
    """With the time at which it is sent, and nothing that is not there."""
    accepted = Accepted("id", "queued")
    plain = json.loads(msgspec.json.encode(published(publication(b"text"), accepted, NOW)))
    assert plain == {
        "id": "id", "time": int(NOW.timestamp()), "event": "message", "topic": "topic", "message": "text",
    }  # fmt: skip
    full = published(
        publication(b"content", {"f": "a.txt", "p": "4", "tags": "a,b", "click": "https://a.b", "in": "1h"}),
        accepted,
        NOW,
    )
    assert full.attachment is not None
    assert (full.attachment.name, full.attachment.size) == ("a.txt", 7)
    assert full.message == "You received a file: a.txt"
    assert (full.time, full.priority, full.tags) == (int(NOW.timestamp()) + 3600, 4, ("a", "b"))


HEADERS = st.dictionaries(
    st.sampled_from([*(name for names in NAMES.values() for name in names), "filename", "content-type"]),
    st.text(max_size=80) | st.sampled_from([value for value, _ in VALUES.values()]),
    max_size=6,
)


@given(st.binary(max_size=200) | st.text(max_size=50).map(str.encode), HEADERS, HEADERS)
def test_any_request_is_a_message_or_refused(
    body: bytes, headers: dict[str, str], query: dict[str, str]
) -> None:
    """Nothing else is raised, and the answer can be written."""
    request = InletRequest(headers, query, body)
    try:
        found = read(request, "topic", NOW)
    except Refused:
        return
    assert message_of(found)
    assert msgspec.json.encode(published(found, Accepted("id", "queued"), NOW))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["topic", "message", "title", "priority", "tags", "actions", "delay",
    "markdown", "click", "attach", "sequence_id"]), JSON, max_size=6))  # fmt: skip
def test_any_json_is_a_message_or_refused(fields: dict[str, Any]) -> None:
    """Whatever the types of its fields are."""
    try:
        found = in_json(**fields)
    except Refused:
        return
    assert message_of(found)
