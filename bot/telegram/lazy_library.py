"""Loads the modules of Telegram's library when they are used. The library has over 2 000, nearly all of them
for types of the schema, and loads them at once. That takes more time and memory than all else.

`install` makes the packages of the schema, and the library itself, look up a name at its first use. The
modules are the library's own, unchanged. This serves Pyrogram and kurigram. As `pyrogram.sync` is not loaded
any more, either, which asks for an event loop where there is none, Pyrogram works on Python 3.14.
"""

import re
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

LIBRARY = "pyrogram"
SCHEMA = f"{LIBRARY}.raw"
CONSTRUCTORS = f"{SCHEMA}.all"
PACKAGES = (f"{SCHEMA}.types", f"{SCHEMA}.functions", f"{SCHEMA}.base")
OWN_IMPORT = re.compile(r"^from \.(\w*) import (\w+(?:, \w+)*)$", re.MULTILINE)
"""How the packages import from themselves."""


def install() -> None:
    """Changes how the library is imported from now on. Does nothing to what has been imported before."""
    if LIBRARY not in sys.modules and not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds the packages that are loaded otherwise."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in (LIBRARY, SCHEMA, CONSTRUCTORS) and not fullname.startswith(PACKAGES):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            if fullname == CONSTRUCTORS:
                spec.loader = _ConstructorsLoader(fullname, spec.origin)
            elif spec.submodule_search_locations is not None:
                spec.loader = _PackageLoader(fullname, spec.origin)
        return spec


class _PackageLoader(SourceFileLoader):
    """Runs a package without its imports from itself. Each of these is done when its name is asked for."""

    def exec_module(self, module: ModuleType) -> None:
        source = self.get_data(self.path).decode()
        places = {name: place for place, names in OWN_IMPORT.findall(source) for name in names.split(", ")}
        module.__dict__["__getattr__"] = partial(_load, module, places)
        if module.__name__ != SCHEMA:  # which only fills the table of constructors
            code = compile(OWN_IMPORT.sub("", source), self.path, "exec", dont_inherit=True)
            exec(code, module.__dict__)  # noqa: S102 - the library's own source


def _load(package: ModuleType, places: dict[str, str], name: str) -> Any:
    """What the package would have imported under this name: from a module, or a module itself."""
    if name not in places:
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")
    place = places[name]
    module = import_module(f"{package.__name__}.{place or name}")
    found = getattr(module, name) if place else module
    setattr(package, name, found)
    return found


class _ConstructorsLoader(SourceFileLoader):
    """Loads the table of constructors: from a number on the wire to its class."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.__dict__["objects"] = Constructors(module.__dict__["objects"])


class Constructors(dict[int, Any]):
    """The classes that have been used so far, by number."""

    def __init__(self, names: dict[int, str]) -> None:
        super().__init__()
        self.names = names

    def __missing__(self, number: int) -> Any:
        package, _, name = self.names[number].rpartition(".")
        self[number] = found = getattr(import_module(package), name)
        return found
