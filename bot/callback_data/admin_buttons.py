"""Callback data of the buttons that admins alone can press."""

from typing import Literal

from djangobot.bot.callback_data.buttons import Background, CallbackData, Page, SenderId
from djangobot.bot.callback_data.packing import Number
from djangobot.db.admin.log_level import Level
from djangobot.db.admin.users import Kind
from djangobot.db.delivery.backlog import BulkVerb, Side, Verb
from djangobot.db.people.chat_settings import Language

StateLetter = Literal["", "d", "p", "f", "u"]
"""The first letter of a state of the backlog; empty for all of them."""
SideLetter = Literal["", "c", "a"]
"""The first letter of a side of the backlog; empty for both."""


class ShowStatus(CallbackData, frozen=True, tag="status"):
    pass


class DrawStatus(CallbackData, frozen=True, tag="status_charts"):
    pass


class RedrawStatus(CallbackData, frozen=True, tag="status_light"):
    background: Background


class PauseDelivery(CallbackData, frozen=True, tag="pause"):
    paused: bool


class ShowQueue(CallbackData, frozen=True, tag="queue"):
    pass


class AskQueueAll(CallbackData, frozen=True, tag="queue_all"):
    verb: BulkVerb


class DecideQueueAll(CallbackData, frozen=True, tag="queue_all_sure"):
    verb: BulkVerb


class GroupQueue(CallbackData, frozen=True, tag="queue_by"):
    side: Side
    page: Page = 0


class QueuePlace(CallbackData, frozen=True):
    """A page of the backlog: of one state or all, of one chat or account or all."""

    state: StateLetter
    side: SideLetter
    of: SenderId
    page: Page


class ListQueue(QueuePlace, frozen=True, tag="queue_list"):
    pass


class OpenQueued(QueuePlace, frozen=True, tag="queue_one"):
    message: Number


class DecideQueued(QueuePlace, frozen=True, tag="queue_do"):
    message: Number
    verb: Verb
    sure: bool = False


class ListAdmins(CallbackData, frozen=True, tag="admins"):
    pass


class AskDismiss(CallbackData, frozen=True, tag="dismiss"):
    admin: Number


class Dismiss(CallbackData, frozen=True, tag="dismiss_sure"):
    admin: Number


class SetLogLevel(CallbackData, frozen=True, tag="loglevel"):
    level: Level


class ShowAudit(CallbackData, frozen=True, tag="audit"):
    """The entries before this one; 0 for the newest."""

    before: Number = 0


class SendBackup(CallbackData, frozen=True, tag="backup"):
    pass


class ListUsers(CallbackData, frozen=True, tag="users"):
    page: Page = 0
    words: str = ""


class OpenUser(CallbackData, frozen=True, tag="user"):
    kind: Kind
    number: Number


UserVerb = Literal["ban", "unban", "limits", "signout", "delete"]


class AskDeleteUser(CallbackData, frozen=True, tag="user_delete"):
    kind: Kind
    number: Number


class ChangeUser(CallbackData, frozen=True, tag="user_do"):
    verb: UserVerb
    kind: Kind
    number: Number


class ListInvites(CallbackData, frozen=True, tag="invites"):
    page: Page = 0


class HideInvite(CallbackData, frozen=True, tag="invite_hide"):
    invite: Number


class RevokeInvite(CallbackData, frozen=True, tag="invite_revoke"):
    invite: Number


class BroadcastLanguage(CallbackData, frozen=True, tag="broadcast_language"):
    """Empty for all languages."""

    broadcast: Number
    language: Literal[Language, ""] = ""


class BroadcastDays(CallbackData, frozen=True, tag="broadcast_days"):
    """Those who wrote in so many days; 0 for all."""

    broadcast: Number
    days: Literal[0, 7, 30] = 0


BroadcastVerb = Literal["back", "ask", "start", "pause", "resume", "cancel"]


class ChangeBroadcast(CallbackData, frozen=True, tag="broadcast"):
    broadcast: Number
    verb: BroadcastVerb
