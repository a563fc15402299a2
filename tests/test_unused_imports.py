"""Modules that libraries import and the service does not use."""

import subprocess
import sys

INSTALLED = "import sys; from djangobot import unused_imports; unused_imports.install(); "


def printed(program: str) -> list[str]:
    """What a new process prints, in which nothing has been imported yet."""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_the_service_does_not_load_what_it_does_not_use() -> None:
    """These are installed, and cost time and memory as soon as something imports them."""
    (loaded,) = printed(INSTALLED + "import djangobot.bot.app; print(*sys.modules)")
    unused = {"rich", "pygments", "PIL", "cryptography.x509", "uvicorn", "httpx", "faker"}
    unused |= {"piccolo.apps.migrations.auto", "pydantic", "yaml.loader", "pyrogram.client"}
    assert sorted(unused & set(loaded.split())) == []


def test_a_migration_loads_no_formatter() -> None:
    """Piccolo imports black, which formats new migrations; the service writes none."""
    (loaded,) = printed(INSTALLED + "import djangobot.db.migrator; print(*sys.modules)")
    assert {"black", "blib2to3"} & set(loaded.split()) == {"black"}


def test_help_loads_nearly_nothing() -> None:
    """It is over in a tenth of a second. It is the program itself that does without modules."""
    program = """
import sys
from djangobot.__main__ import main
sys.argv[1:] = ["--help"]
try:
    main()
finally:
    print(*(type(finder).__module__ for finder in sys.meta_path))
    print(*sys.modules)
"""
    *shown, finders, loaded = printed(program)
    assert any("walkthrough" in line or "demo" in line for line in shown)
    assert finders.split()[0] == "djangobot.unused_imports"
    assert sorted({"asyncio", "structlog", "msgspec", "djangobot.db.engine"} & set(loaded.split())) == []


def test_what_was_left_out_is_there_for_others() -> None:
    """rich and cryptography seem absent only to those that do without; yaml and black are loaded at their
    first use, and are then the modules themselves."""
    program = """
import structlog, jwt, rich.console, yaml, black
from cryptography.fernet import Fernet
before = "yaml.loader" in sys.modules, "blib2to3" in sys.modules
print(structlog.dev.rich, jwt.algorithms.has_crypto, yaml.safe_load("a: 1"), Fernet.generate_key() != b"")
print(jwt.decode(jwt.encode({"sub": "1"}, "k" * 32), "k" * 32, ["HS256"]))
print(before, black.format_str("a  = 1", mode=black.FileMode()).strip())
import yaml.nodes, black as again
print(yaml.nodes.Node.__module__, sys.modules["black"] is again is not black, again.__version__ != "")
"""
    assert printed(INSTALLED + program) == [
        "None False {'a': 1} True",
        "{'sub': '1'}",
        "(False, False) a = 1",
        "yaml.nodes True True",
    ]


def test_whoever_only_imports_us_misses_nothing() -> None:
    """Our plugin is in each run of pytest of whoever has installed us, and their tests may need anything."""
    program = "import djangobot.pytest_plugin, djangobot.bot.app, jwt, structlog; "
    assert printed(program + "print(jwt.algorithms.has_crypto, structlog.dev.rich is not None)") == [
        "True True"
    ]
