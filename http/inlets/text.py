"""Texts and forms: a body that is no JSON."""

from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.words import TEXTS, TITLES, first_text


def is_form(request: InletRequest) -> bool:
    return bool(request.fields or request.files)


def is_text(_: InletRequest) -> bool:
    """Whatever nothing else is."""
    return True


def read_text(request: InletRequest) -> InletMessage:
    """The whole body is the text. The query may give a title, or the text of a call without a body."""
    return InletMessage(
        text=request.text if request.body else first_text(request.query, TEXTS),
        title=first_text(request.query, TITLES),
        files=request.files,
    )


def read_form(request: InletRequest) -> InletMessage:
    """A field that is named as a text is the text. Otherwise every field is a line."""
    title = first_text(request.fields, TITLES)
    text = first_text(request.fields, TEXTS)
    if not text:
        others = {
            name: value for name, value in request.fields.items() if name not in TITLES or value != title
        }
        text = "\n".join(f"{name}: {value}" for name, value in others.items())
    return InletMessage(text=text, title=title, files=request.files)
