"""Gitea's and Forgejo's webhooks: GitHub's bodies with headers of their own."""

from djangobot.http.inlets import github
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest

EVENTS = ("x-forgejo-event", "x-gitea-event", "x-gogs-event")
DELIVERIES = ("x-forgejo-delivery", "x-gitea-delivery", "x-gogs-delivery")


def is_it(request: InletRequest) -> bool:
    return any(name in request.headers for name in EVENTS)


def read(request: InletRequest) -> InletMessage:
    """The message of the event, as GitHub's."""
    event = next((request.headers[name] for name in EVENTS if name in request.headers), "")
    delivery = next((request.headers[name] for name in DELIVERIES if name in request.headers), "")
    return github.message_of(request.object, event, f"gitea:{delivery}" if delivery else None)
