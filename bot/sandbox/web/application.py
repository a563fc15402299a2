"""The web port as a whole: its parts, its routes, and how errors are answered."""

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin

from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.web import errors, origins, routes
from djangobot.bot.sandbox.web.chats import Chats
from djangobot.bot.sandbox.web.events import EventStream
from djangobot.bot.sandbox.web.people import People
from djangobot.bot.sandbox.web.requests import MAX_FILE

# Bytes. The longest body is a file in Base64.
MAX_BODY = MAX_FILE // 3 * 4 + (1 << 16)


class LeanLitestar(Litestar):
    """Litestar without its plugins for pydantic and attrs.

    We use neither, and importing pydantic takes a fifth of the start.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


class Web:
    """The chat page and the JSON API over one server."""

    def __init__(self, telegram: TelegramServer, first_steps: str = "") -> None:
        self.telegram = telegram
        self.first_steps = first_steps
        self.people = People(telegram)
        self.events = EventStream(telegram, self.people)
        self.chats = Chats(telegram, self.events)

    def stop(self) -> None:
        """Ends what waits, so that the port can close."""
        self.chats.stop()
        self.events.stop()

    def application(self) -> Litestar:
        """The ASGI application."""
        table = routes.table(self.telegram, self.people, self.chats, self.events, self.first_steps)
        return LeanLitestar(
            route_handlers=table,
            exception_handlers={
                errors.Problem: errors.on_problem,
                HTTPException: errors.on_http_error,
                Exception: errors.on_error,
            },
            before_request=origins.refuse_other_sites,
            openapi_config=None,
            logging_config=None,
            request_max_body_size=MAX_BODY,
        )
