"""The tables, as Piccolo's command line and the migrations see them."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from djangobot.db import account_networks, broadcasts, chores, guesses, messages, networks, quiet, tokens
from djangobot.db.account_networks import AccountNetwork
from djangobot.db.accounts import Account
from djangobot.db.admins import Admin
from djangobot.db.audit import Audit
from djangobot.db.broadcasts import Broadcast
from djangobot.db.chats import Chat
from djangobot.db.chores import Chore
from djangobot.db.codes import Code
from djangobot.db.guesses import WrongCode
from djangobot.db.invites import Invite
from djangobot.db.messages import Message
from djangobot.db.networks import TokenNetwork
from djangobot.db.positions import InboxPosition
from djangobot.db.quiet import Mute
from djangobot.db.search import Search
from djangobot.db.service import ServiceState
from djangobot.db.sessions import TelegramSession
from djangobot.db.tokens import BotToken

TABLES = [
    Account,
    Chat,
    Code,
    BotToken,
    Message,
    InboxPosition,
    Chore,
    TokenNetwork,
    ServiceState,
    Mute,
    Search,
    TelegramSession,
    Admin,
    Audit,
    Broadcast,
    AccountNetwork,
    WrongCode,
    Invite,
]
INDEXES = (
    *messages.INDEXES,
    *chores.INDEXES,
    *networks.INDEXES,
    *quiet.INDEXES,
    *broadcasts.INDEXES,
    *account_networks.INDEXES,
    *guesses.INDEXES,
    *tokens.INDEXES,
)
"""What Piccolo's columns can't say."""

APP_CONFIG = AppConfig(
    app_name="djangobot",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=TABLES,
    migration_dependencies=[],
    commands=[],
)
