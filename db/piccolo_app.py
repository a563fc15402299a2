"""The tables, for Piccolo's command line and the migrations. `APP_CONFIG`, by which Piccolo knows them, is
made when it is asked for, because Piccolo's part for it is large."""

from pathlib import Path
from typing import Any

from djangobot.db.admin import broadcasts
from djangobot.db.admin.admins import Admin
from djangobot.db.admin.broadcasts import Broadcast
from djangobot.db.audit import Audit
from djangobot.db.delivery import scheduled
from djangobot.db.delivery.scheduled import ScheduledJobRow
from djangobot.db.messages import incidents, messages, tags
from djangobot.db.messages.files import file_storage
from djangobot.db.messages.files.file_storage import File, FilePart
from djangobot.db.messages.history.search import Search
from djangobot.db.messages.incidents import Incident
from djangobot.db.messages.messages import Message
from djangobot.db.messages.tags import MessageTag
from djangobot.db.people import guesses, mutes
from djangobot.db.people.chats import Chat
from djangobot.db.people.codes import Code
from djangobot.db.people.guesses import WrongCode
from djangobot.db.people.mutes import Mute
from djangobot.db.programs import account_networks, attempts, token_networks, tokens
from djangobot.db.programs.account_networks import AccountNetwork
from djangobot.db.programs.accounts import Account
from djangobot.db.programs.attempts import Attempt
from djangobot.db.programs.invites import Invite
from djangobot.db.programs.token_networks import TokenNetwork
from djangobot.db.programs.token_secrets import TokenSecret
from djangobot.db.programs.tokens import BotToken
from djangobot.db.state import State
from djangobot.db.telegram.session import TelegramSession
from djangobot.db.telegram.update_state import UpdateStateRow

TABLES = [
    Account,
    Chat,
    Code,
    BotToken,
    Message,
    UpdateStateRow,
    ScheduledJobRow,
    TokenNetwork,
    State,
    Mute,
    Search,
    TelegramSession,
    Admin,
    Audit,
    Broadcast,
    AccountNetwork,
    WrongCode,
    Invite,
    File,
    FilePart,
    MessageTag,
    Incident,
    TokenSecret,
    Attempt,
]
INDEXES = (
    *messages.INDEXES,
    *scheduled.INDEXES,
    *token_networks.INDEXES,
    *mutes.INDEXES,
    *broadcasts.INDEXES,
    *account_networks.INDEXES,
    *attempts.INDEXES,
    *guesses.INDEXES,
    *tokens.INDEXES,
    *file_storage.INDEXES,
    *tags.INDEXES,
    *incidents.INDEXES,
)
"""Indexes that Piccolo's columns can't express."""

APP_NAME = "djangobot"
MIGRATIONS = Path(__file__).parent / "migrations"


def __getattr__(name: str) -> Any:
    if name != "APP_CONFIG":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from piccolo.conf.apps import AppConfig

    return AppConfig(
        app_name=APP_NAME,
        migrations_folder_path=str(MIGRATIONS),
        table_classes=TABLES,
        migration_dependencies=[],
        commands=[],
    )
