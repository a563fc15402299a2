"""Modules of Telegram's library that are loaded when they are used."""

import subprocess
import sys


def printed(program: str) -> str:
    """What a new process prints, in which nothing has been imported yet."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_only_what_is_used_is_loaded() -> None:
    """Neither the schema nor the library's own client, with which it all began to cost."""
    loaded = printed("import sys, djangobot.bot.app; print(*sys.modules)").split()
    schema = [name for name in loaded if name.startswith(("pyrogram.raw.types.", "pyrogram.raw.functions."))]
    assert "pyrogram.session.session" in loaded
    assert "pyrogram.client" not in loaded
    assert 0 < len(schema) < 200, schema


def test_each_number_on_the_wire_has_its_class() -> None:
    """All constructors of the schema, as the library itself would have loaded them."""
    program = """
from djangobot.bot.telegram import lazy_library
from pyrogram.raw.all import objects
wrong = [name for number, name in objects.names.items() if getattr(objects[number], "ID", None) != number]
print(type(objects) is lazy_library.Constructors, len(objects) == len(objects.names) > 1000, wrong)
try:
    objects[1]
except KeyError as exc:
    print(exc)
"""
    assert printed(program) == "True True []\n1\n"


def test_a_name_that_is_not_there_is_no_attribute() -> None:
    """`getattr` with a default, `hasattr` and `from … import` rely on it; subpackages are names, too."""
    program = """
import djangobot.bot.telegram
from pyrogram import raw
from pyrogram.raw.types.updates import State
print(hasattr(raw.types, "NoSuchType"), raw.types.updates.State is State, raw.functions.Ping.__name__)
"""
    assert printed(program) == "False True Ping\n"


def test_no_event_loop_is_needed_to_import_it() -> None:
    """On Python 3.14 there is none before one runs, and Pyrogram's `sync` asks for it."""
    program = """
import asyncio
def get_event_loop():
    raise RuntimeError("There is no current event loop")
asyncio.get_event_loop = get_event_loop
import djangobot.bot.telegram.client
print("imported")
"""
    assert printed(program) == "imported\n"
