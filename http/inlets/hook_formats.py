"""The formats of /api/hook: which one a request has is told by its headers and its shape, in the order of
FORMATS."""

from collections.abc import Callable
from typing import NamedTuple

from djangobot.http.inlets import (
    alertmanager,
    any_json,
    apprise,
    arr,
    gitea,
    github,
    gitlab,
    grafana,
    healthchecks,
    sentry,
    slack,
    text,
    uptime_kuma,
)
from djangobot.http.inlets.common import signatures
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.signatures import IsSigned

RETRIES_5XX = 503
"""The status of a throttle for a program that repeats only what the server could not do."""


class Format(NamedTuple):
    """One format: its name, as `?as=` says it; how its requests are told; the function that reads them; the
    status of a throttle; how its signature is checked, if it has one; and the text of the answer, when the
    program expects no JSON."""

    name: str
    is_it: Callable[[InletRequest], bool]
    read: Callable[[InletRequest], InletMessage]
    throttle: int = 429
    is_signed: IsSigned | None = None
    answer: Callable[[InletRequest], str] | None = None


FORMATS = (
    Format(
        "gitea", gitea.is_it, gitea.read, is_signed=signatures.of_gitea
    ),  # before GitHub: it has its headers, too
    Format("github", github.is_it, github.read, is_signed=signatures.of_github),
    Format("gitlab", gitlab.is_it, gitlab.read, is_signed=signatures.of_gitlab),
    Format("sentry", sentry.is_it, sentry.read, is_signed=signatures.of_sentry),
    Format("alertmanager", alertmanager.is_it, alertmanager.read, RETRIES_5XX),
    Format("grafana", grafana.is_it, grafana.read, RETRIES_5XX, signatures.of_grafana),
    Format("uptime-kuma", uptime_kuma.is_it, uptime_kuma.read),
    Format("healthchecks", healthchecks.is_it, healthchecks.read, RETRIES_5XX),
    Format("apprise", apprise.is_it, apprise.read),
    Format("arr", arr.is_it, arr.read),
    Format("slack", slack.is_it, slack.read, answer=slack.answer_to),
    Format("json", any_json.is_it, any_json.read),
    Format("form", text.is_form, text.read_form),
    Format("text", text.is_text, text.read_text),
)
BY_NAME = {one.name: one for one in FORMATS}


def format_of(request: InletRequest) -> Format:
    """The format that the query names, or the first that recognises the request."""
    named = BY_NAME.get(request.query.get("as", "").lower())
    return named or next(one for one in FORMATS if one.is_it(request))
