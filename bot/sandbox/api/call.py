"""One call of a method: the caller, the layer, and the world."""

from typing import Any, Protocol

from djangobot.bot.sandbox.journal import Journal
from djangobot.bot.sandbox.mtproto.schema import TL, Schema
from djangobot.bot.sandbox.mtproto.session import Session
from djangobot.bot.sandbox.rate_limits import RateLimits
from djangobot.bot.sandbox.settings import Settings
from djangobot.bot.sandbox.world import User, World


class RpcError(Exception):
    """An error as Telegram answers it: a code and a name (core.telegram.org/api/errors)."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


class Server(Protocol):
    """What methods need of the server."""

    world: World
    journal: Journal
    limits: RateLimits
    settings: Settings
    address: tuple[str, int]

    def sign_in(self, session: Session, user: int) -> None:
        """Binds the session's auth key to a user."""
        ...

    def sign_out(self, session: Session) -> None:
        """Takes the user off the session's auth key."""
        ...


class Call:
    """A call being executed."""

    def __init__(self, server: Server, session: Session, schema: Schema, request: TL) -> None:
        self.server = server
        self.world = server.world
        self.session = session
        self.schema = schema
        self.method: str = request["_"]
        self.args = request

    @property
    def me(self) -> User | None:
        """Who is signed in."""
        user = self.world.accounts.users.get(self.session.key.user)
        return None if user is None or user.deleted else user

    @property
    def user(self) -> User:
        """Who is signed in; RpcError when nobody is."""
        me = self.me
        if me is None:
            raise RpcError(401, "AUTH_KEY_UNREGISTERED")
        return me

    def get(self, name: str) -> Any:
        """An optional argument."""
        return self.args.get(name)

    def __getitem__(self, name: str) -> Any:
        return self.args[name]
