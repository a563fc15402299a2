"""docs/sandbox.md keeps its promises."""

import re
from pathlib import Path
from typing import get_args

import msgspec

from djangobot.bot.sandbox.api import methods
from djangobot.bot.sandbox.faults import FaultOrder, Kind
from djangobot.bot.sandbox.mtproto import schema
from djangobot.bot.sandbox.settings import Settings

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "sandbox.md").read_text()
WEB = (ROOT / "bot" / "sandbox" / "web" / "routes.py").read_text()
APP = (ROOT / "bot" / "sandbox" / "app.py").read_text()


def test_every_path_of_the_json_api_is_documented() -> None:
    """Each route of the table."""
    for path in re.findall(r'@(?:get|post|delete)\(\[?"(/[^"{]*)', WEB):
        assert path.rstrip("/") in TEXT, path


def test_every_fault_setting_and_option_is_documented() -> None:
    """Kinds, fields, settings, command line."""
    names = [*get_args(Kind)]
    names += [field.name for field in msgspec.structs.fields(FaultOrder)]
    names += [field.name for field in msgspec.structs.fields(Settings)]
    names += re.findall(r'"(--[a-z-]+)"', APP)
    for name in names:
        assert name in TEXT, name


def test_the_layers_are_documented() -> None:
    """The oldest, the newest, and those between that no package speaks."""
    known = schema.layers()
    between = [str(layer) for layer in range(known[0], known[-1]) if layer not in known]
    assert f"**Layers** {known[0]} to {known[-1]}" in TEXT
    assert ", ".join(between) in " ".join(TEXT.split())


def test_every_method_of_the_tables_is_in_every_layer() -> None:
    """A method without a line could not be read; a line without a handler would be an unknown method."""
    tables = {**methods.ANYONE, **methods.SIGNED_IN, **methods.BOTS, **methods.PEOPLE}
    for layer in schema.layers():
        assert set(tables) <= set(schema.schema_for(layer).constructors)


def test_the_module_says_where_pyrogram_is_pointed() -> None:
    """The seam in the docstring is the one the tests use."""
    import djangobot.bot.sandbox as package

    assert re.search(r"connection\.DataCenter = lambda", package.__doc__ or "")
