"""The formats of POST /api/hook: how each is recognised, and what a person sees of it."""

import base64
import json
import os
from typing import Any
from urllib.parse import urlencode

import pytest

from djangobot.db.messages.rich_text.formats import parse
from djangobot.db.messages.rich_text.limits import MESSAGE_LIMIT
from djangobot.db.messages.rich_text.spans import Span, utf16_length
from djangobot.http.inlets import github, healthchecks
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.shorten import shortened
from djangobot.http.inlets.hook_formats import BY_NAME, FORMATS, format_of
from djangobot.http.inlets.slack import from_mrkdwn

from .recorded import RENDERINGS, Recorded, recorded, shown, the

EVERY = list(recorded())


@pytest.mark.parametrize("one", EVERY, ids=lambda one: f"{one.format} {one.name}")
def test_a_format_is_told_by_headers_and_shape(one: Recorded) -> None:
    """Each recorded body is of its program, and of no other that comes before it in the table."""
    assert format_of(one.request()).name == one.format


def test_every_format_has_a_recorded_body() -> None:
    """But those that are made for whatever comes."""
    assert {one.format for one in EVERY} == BY_NAME.keys() - {"json", "form", "text"}


def test_the_renderings_are_those_that_were_read() -> None:
    """All messages as a person sees them, in one file beside this one."""
    written = "\n\n".join(f"=== {one.format}: {one.name}\n{shown(one.read())}" for one in EVERY) + "\n"
    if os.environ.get("DJANGOBOT_RENDER"):
        RENDERINGS.write_text(written)
    assert written == RENDERINGS.read_text()


def test_the_query_may_name_every_format() -> None:
    """Upper and lower case are the same."""
    for one in FORMATS:
        assert format_of(InletRequest({}, {"as": one.name.upper()}, b"{}")) is one


def test_a_form_with_a_payload_is_its_json() -> None:
    """GitHub and Slack can send forms."""
    push = the("github", "push")
    form = urlencode({"payload": push.content.decode()}).encode()
    headers = {**push.headers, "content-type": "application/x-www-form-urlencoded"}
    request = InletRequest(headers, {}, form)
    assert shortened(format_of(request).read(request)) == push.read()
    text = urlencode({"payload": json.dumps({"text": "*hi*"})}).encode()
    request = InletRequest({"content-type": "application/x-www-form-urlencoded"}, {}, text)
    assert format_of(request).name == "slack"


def test_a_critical_alert_is_urgent_and_a_notice_is_silent() -> None:
    """The severity says how loud it is."""
    firing = the("alertmanager", "firing")
    assert firing.read().urgent
    for alert in firing.body["alerts"]:
        alert["labels"]["severity"] = "info"
    assert (firing.read().urgent, firing.read().silent, firing.read().title[:1]) == (False, True, "🔵")


def test_a_large_group_is_one_message_of_telegram() -> None:
    """However much its alerts say: it can't be edited otherwise. The count tells of all."""
    many = the("alertmanager", "many")
    for number, alert in enumerate(many.body["alerts"]):
        alert["annotations"] = {"summary": f"{number} " * 500, "description": f"{number}<" * 500}
        alert["labels"] |= {"pod": f"pod{number}" * 30, "namespace": "x" * 500}
    many.body["commonLabels"]["alertname"] = "Ill" * 100
    message = many.read()
    rich = parse(message.text, "html")
    assert len(message.title) + utf16_length(rich.text) + 600 < MESSAGE_LIMIT
    assert message.title.endswith("… · 14 firing")
    shown = sum(line.startswith("🔴") for line in rich.text.splitlines())
    assert f"…and {14 - shown} more" in rich.text


def test_grafana_is_quoted_where_somebody_wrote_the_message() -> None:
    """The words of a contact point stand first. What they tell of the alerts is not told twice."""
    firing = the("grafana", "firing")
    firing.body.update(title="Memory <b>!", message="Call Ann\nat 5")
    message = firing.read()
    assert (message.title, message.text.split("<br>")[:2]) == ("🔴 Memory <b>!", ["Call Ann", "at 5"])
    assert "Memory of web-1 is nearly used up" in message.text
    firing.body["message"] = "Memory of web-1 is nearly used up: call Ann"
    assert firing.read().text == "Memory of web-1 is nearly used up: call Ann"


def test_annotations_of_other_names_are_told_when_there_are_no_usual_ones() -> None:
    """Nobody has to call them summary or description."""
    firing = the("alertmanager", "firing")
    firing.body["commonAnnotations"] = {}
    firing.body["alerts"][0]["annotations"] = {"impact": "Nobody can pay", "x_url": "https://a.example"}
    assert "Nobody can pay" in firing.read().text
    assert "https://a.example" not in firing.read().text


def test_slack_tells_all_parts_that_people_read() -> None:
    """Dates, colours, tables, authors and pictures, and the texts of blocks that are new to us."""
    date = {"type": "date", "timestamp": 1720710212, "format": "{ago}", "fallback": "in May"}
    section = {"type": "rich_text_section", "elements": [date, {"type": "color", "value": "#F405B3"}]}
    rich = {"type": "rich_text", "elements": [section]}
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "Disk"}, rich]]}
    video = {"type": "video", "title": {"type": "plain_text", "text": "Film"}, "description": {"text": "Two"}}
    attachment = {"author_name": "Ann", "text": "hi", "image_url": "https://a.example/i.png"}
    body = {"blocks": [rich, table, video], "attachments": [attachment]}
    request = InletRequest({}, {}, json.dumps(body).encode())
    text = parse(format_of(request).read(request).text, "html").text
    assert [line for line in text.split("\n") if line] == [
        "in May#F405B3", "Disk │ in May#F405B3", "Film", "Two", "Ann", "hi", "image"
    ]  # fmt: skip


def test_a_silence_is_offered_as_long_as_something_fires() -> None:
    """Its address names the labels of the group."""
    assert next(button.url for button in the("alertmanager", "firing").read().buttons) == (
        "https://alertmanager.example.org/#/silences/new?filter=%7Balertname%3D%22HostOutOfDisk%22%7D"
    )
    for name in ("alertmanager", "grafana"):
        assert "🔕 Silence" not in [button.text for button in the(name, "resolved").read().buttons]


def test_a_button_that_telegram_refuses_is_left_out() -> None:
    """By default Alertmanager names itself by its host's bare name."""
    firing = the("alertmanager", "firing")
    firing.body["externalURL"] = "http://alertmanager:9093"
    assert [button.text for button in firing.read().buttons] == ["📖 Runbook", "📈 Graph"]


def test_foreign_markup_is_shown_and_not_obeyed() -> None:
    """A commit's subject may hold tags, an alert's label may hold a link."""
    rich = parse(the("github", "push").read().text, "html")
    assert "Update README.md <b>" in rich.text
    firing = the("alertmanager", "firing")
    firing.body["alerts"][0]["annotations"]["summary"] = '<a href="https://evil.example">x</a>&amp;'
    rich = parse(firing.read().text, "html")
    assert '<a href="https://evil.example">x</a>&amp;' in rich.text
    assert not [span for span in rich.spans if span.kind == "text_link"]


@pytest.mark.parametrize(
    ("mrkdwn", "text", "spans"),
    [
        ("a *b* c", "a b c", [("bold", "b")]),
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4", []),
        ("_i_ ~s~ `*c*`", "i s *c*", [("italic", "i"), ("strikethrough", "s"), ("code", "*c*")]),
        ("<https://a.example/?x=1&amp;y=2|two *words*>", "two *words*", [("text_link", "two *words*")]),
        ("<https://a.example>", "https://a.example", [("text_link", "https://a.example")]),
        ("<@U1|ann> <!here> &lt;b&gt;", "ann @here <b>", []),
        ("```\na  b\n```", "a  b", [("pre", "a  b")]),
        ("<javascript:alert(1)|x> <none> <!--|y>", "x (javascript:alert(1)) <none> y (!--)", []),
        (
            "a=1&copy=2 <https://a.example/?a=1&copy=2>",
            "a=1&copy=2 https://a.example/?a=1&copy=2",
            [("text_link", "https://a.example/?a=1&copy=2")],
        ),
        ("a " * 15_000 + "b", "a " * 15_000 + "b", []),
        ("```" + "x" * 7_000 + "```", "x" * 7_000, [("pre", "x" * 7_000)]),
        (":tada: :+1: at 10:30:45, a:100:b :no_such:", "🎉 👍 at 10:30:45, a:100:b :no_such:", []),
        ("`:tada:`", ":tada:", [("code", ":tada:")]),
    ],
)
def test_slacks_markup(mrkdwn: str, text: str, spans: list[tuple[str, str]]) -> None:
    """What looks like it and is none stays as it was."""
    rich = parse(from_mrkdwn(mrkdwn), "html")

    def covered(span: Span) -> str:
        return rich.text[span.offset : span.offset + span.length]

    assert rich.text.strip("\n") == text
    assert [(span.kind, covered(span)) for span in rich.spans] == spans


@pytest.mark.parametrize(
    ("size", "shown"),
    [(2**30, "1.0 GiB"), (12_345_678, "12 MiB"), (0, "WEBDL-1080p"), (1e300, "WEBDL-1080p")],
)
def test_a_small_file_has_a_size_that_says_something(size: float, shown: str) -> None:
    """An episode is rarely a gibibyte."""
    grab = the("arr", "grab")
    grab.body["release"].update(size=size, indexer="")
    assert grab.read().text.split(" · ")[-1].endswith(shown)


def test_the_markdown_of_github_is_shown_without_its_markup() -> None:
    """Release notes in a quotation are read by people."""
    body = {
        "action": "published",
        "release": {"name": "One", "body": "## New\n- **a** [b](https://x.example)\n"},
    }
    text = parse(github.message_of(body, "release", None).text, "html").text
    assert "New\n\n• a b" in text
    assert "**" not in text


@pytest.mark.parametrize(
    ("event", "more", "title"),
    [
        ("issue_comment", {"action": "created", "comment": {"body": "x"}}, "💬 a/b · comment on #5"),
        ("issue_comment", {"action": "deleted", "comment": {"body": "x"}}, "💬 a/b · comment deleted on #5"),
        ("pull_request_review", {"action": "submitted", "review": {"body": "x"}}, "💬 a/b · review on #5"),
    ],
)
def test_a_comment_says_that_it_is_one(event: str, more: dict[str, Any], title: str) -> None:
    """In the title, which a notification shows."""
    body = {"repository": {"full_name": "a/b"}, "issue": {"number": 5, "title": "T"}, **more}
    assert github.message_of(body, event, None).title == title


def test_a_bare_check_says_once_that_it_is_down() -> None:
    """With nothing else to tell there is no second line."""
    body = b'{"name": "backup", "status": "down"}'
    message = healthchecks.read(InletRequest({"content-type": "application/json"}, {}, body))
    assert (message.title, message.text) == ("", "<b>🔴 backup is down</b>")


def test_attachments_of_apprise_are_files() -> None:
    """Whole, or left out when they can't be read."""
    assert [(file.name, file.content) for file in the("apprise", "failure").read().files] == [
        ("log.txt", b"hello")
    ]
    whole = base64.b64encode(bytes(range(256))).decode()
    body = {"version": "1.1", "title": "", "message": "", "type": "info"}
    body |= {"attachments": [{"filename": "all", "base64": whole, "mimetype": ""}]}  # type: ignore[dict-item]
    request = InletRequest({}, {}, json.dumps(body).encode())
    (file,) = shortened(format_of(request).read(request)).files
    assert file.content == bytes(range(256))


def test_deliveries_of_one_thing_name_the_same_incident() -> None:
    """A group, a run, a monitor, a check; another attempt of a run is another one."""
    for name in ("alertmanager", "grafana", "uptime-kuma", "healthchecks"):
        keys = {one.read().incident.key for one in EVERY if one.format == name and one.read().incident}  # type: ignore[union-attr]
        assert len(keys) == 1, name
    runs = [
        the("github", name).read().incident for name in ("requested", "in progress", "completed", "failed")
    ]
    assert [run.key for run in runs if run] == ["github 30433642 1"] * 3 + ["github 30433642 2"]
    assert [run.closes for run in runs if run] == [False, False, True, True]


def test_what_is_known_of_other_json_is_used() -> None:
    """A link is a button; our own fields mean what they mean elsewhere."""
    body = {
        "message": "full",
        "name": "db1",
        "url": "https://a.example/1",
        "tags": ["disk", 1],
        "silent": True,
    }
    request = InletRequest({}, {}, json.dumps(body).encode())
    message = shortened(format_of(request).read(request))
    assert (message.text, message.title, message.tags, message.silent) == ("full", "db1", ("disk",), True)
    assert [button.url for button in message.buttons] == ["https://a.example/1"]


def test_a_failed_run_is_told_with_a_sound() -> None:
    """And a good one without."""
    failed, good = the("github", "failed").read(), the("github", "completed").read()
    assert (failed.silent, failed.loud, failed.outcome) == (False, True, "🔴 Failed")
    assert (good.silent, good.loud, good.outcome) == (True, False, "🟢 Passed")


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [[]], {"alerts": {}}, {"alerts": [1, None, "x"]}])
@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_a_body_of_another_shape_is_a_message(one: object, value: object) -> None:
    """Whoever says `?as=` may be wrong."""
    request = InletRequest({}, {"as": getattr(one, "name", "")}, json.dumps(value).encode())
    message = shortened(format_of(request).read(request))
    assert isinstance(message, InletMessage)
    assert message.text
