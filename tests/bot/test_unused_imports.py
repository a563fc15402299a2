"""Modules that libraries import and the process does not use."""

import subprocess
import sys


def printed(program: str) -> list[str]:
    """What a new process prints, in which nothing has been imported yet."""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_the_service_does_not_load_what_it_does_not_use() -> None:
    """These are installed, and cost time and memory as soon as something imports them."""
    (loaded,) = printed("import sys, djangobot.bot.app; print(*sys.modules)")
    unused = {"rich", "pygments", "PIL", "cryptography.x509", "uvicorn", "httpx", "faker"}
    unused |= {"piccolo.apps.migrations.auto", "pydantic", "yaml.loader", "pyrogram.client"}
    assert sorted(unused & set(loaded.split())) == []


def test_help_loads_nearly_nothing() -> None:
    """It is over in a tenth of a second."""
    program = "import sys; from djangobot.bot.cli.main import cli; cli(['--help'], standalone_mode=False); "
    *shown, loaded = printed(program + "print(*sys.modules)")
    assert any("walkthrough" in line or "demo" in line for line in shown)
    assert sorted({"asyncio", "structlog", "msgspec", "djangobot.db.engine"} & set(loaded.split())) == []


def test_what_was_left_out_is_there_for_others() -> None:
    """rich and cryptography seem absent only to those that do without; yaml is loaded at its first use."""
    program = """
import djangobot.bot, structlog, jwt, rich.console, yaml
from cryptography.fernet import Fernet
print(structlog.dev.rich, jwt.algorithms.has_crypto, yaml.safe_load("a: 1"), Fernet.generate_key() != b"")
print(jwt.decode(jwt.encode({"sub": "1"}, "k" * 32), "k" * 32, ["HS256"]))
"""
    assert printed(program) == ["None False {'a': 1} True", "{'sub': '1'}"]
