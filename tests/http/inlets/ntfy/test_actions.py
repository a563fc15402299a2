"""ntfy's actions, in both of their forms. The cases follow the parser of ntfy's server."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.http.inlets.ntfy.actions import Action, ActionsInvalid, parse

DOOR = Action("http", "Open door", "https://door.lan/open")


@pytest.mark.parametrize(
    ("written", "actions"),
    [
        ("[]", ()),
        ("", ()),
        ("action=http, label=Open door, url=https://door.lan/open", (DOOR,)),
        (
            "http, Open door, https://door.lan/open; view, Show portal, https://door.lan",
            (DOOR, Action("view", "Show portal", "https://door.lan")),
        ),
        ('[{"action":"http","label":"Open door","url":"https://door.lan/open"}]', (DOOR,)),
        ('action=http, "Look ma, \\"quotes\\"; and semicolons", url=http://a.b',
         (Action("http", 'Look ma, "quotes"; and semicolons', "http://a.b"),)),
        ("action=http, '\"both\" and \\'single\\'', url=http://a.b",
         (Action("http", "\"both\" and 'single'", "http://a.b"),)),
        ('label="Out of order!" , action="http", url=http://a.b',
         (Action("http", "Out of order!", "http://a.b"),)),
        ("action = view, label = 'spaces', url = \"http://a.b\"", (Action("view", "spaces", "http://a.b"),)),
        ("view, Кохайтеся 💙, http://a.b/?x=1&y=2, clear=true",
         (Action("view", "Кохайтеся 💙", "http://a.b/?x=1&y=2"),)),
        ("VIEW, Open, http://a.b;", (Action("view", "Open", "http://a.b"),)),
        ("http, Send, http://a.b, method=get, headers.Content-Type=text/plain",
         (Action("http", "Send", "http://a.b", "GET", is_bare=False),)),
        ("http, Send, http://a.b, method=PUT, body='{\"t\": 65}'",
         (Action("http", "Send", "http://a.b", "PUT", is_bare=False),)),
        ("broadcast, Photo, extras.cmd=pic", (Action("broadcast", "Photo"),)),
        ("copy, Code, 1234", (Action("copy", "Code", value="1234"),)),
    ],
)  # fmt: skip
def test_actions_are_read(written: str, actions: tuple[Action, ...]) -> None:
    """Quotes, parts without names, JSON, and white space in odd places."""
    assert parse(written) == actions


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('label="Out of order!" x, action="http", url=http://a.b', "a quote does not end"),
        ('label="", action="http", url=http://a.b', "parameter 'label' is required"),
        ("view, , http://a.b", "parameter 'label' is required"),
        ('label="xx", action="http", url=http://a.b, what is this', "term 'what is this' unknown"),
        ("fdsfdsf", "parameter 'action' cannot be 'fdsfdsf'"),
        ("aaa=a, b", "key 'aaa' unknown"),
        ('action=http, label="the end quote is missing', "a quote does not end"),
        (";;;;", "only 3 actions allowed"),
        (",,,,,,;;", "term '' unknown"),
        ("http, a label, body=somebody", "parameter 'url' is required for action 'http'"),
        ("[1]", "JSON error"),
        ("[{", "JSON error"),
        ("[" * 100_000, "JSON error"),
        ('view, "' + "\\\\" * 5000, "a quote does not end"),
    ],
)
def test_what_is_no_action_is_refused_with_a_reason(written: str, why: str) -> None:
    """In time that does not grow faster than the text."""
    with pytest.raises(ActionsInvalid, match="^" + why.replace("(", "\\(")):
        parse(written)


def test_an_action_opens_what_a_browser_can_open() -> None:
    """A POST, or a GET with headers, would be another request in a browser."""
    opening = "view, A, http://a.b; http, B, http://a.b, method=GET; http, C, http://a.b"
    assert [one.opens for one in parse(opening)] == [True, True, False]
    assert not parse("http, D, http://a.b, method=GET, headers.X=1")[0].opens


@given(st.text(alphabet="view,;=\"'\\ abc[]{}:/.\n", max_size=60) | st.text(max_size=40))
def test_any_text_is_read_or_refused(written: str) -> None:
    """Nothing else is raised."""
    with contextlib.suppress(ActionsInvalid):
        assert len(parse(written)) <= 3
