"""Spares the process what libraries import and it does not use: a quarter of the start.

Two libraries work without another one that happens to be there: structlog without rich, whose tracebacks show
the values of variables, and PyJWT without cryptography, as it does HMAC alone. While they are loaded, these
seem not to be installed. Other modules are loaded when something of them is used first, which is never.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # importlib.abc imports more than it is worth
    from importlib.abc import Loader

WITHOUT = {
    "jwt.algorithms": ("cryptography",),
    "jwt.utils": ("cryptography", "cryptography.hazmat.primitives.asymmetric.ec"),
    "structlog.dev": ("rich",),
    "structlog.tracebacks": ("rich", "rich.pretty"),
}
"""Modules, and what they do without."""
WHEN_USED = {"black", "socks", "yaml"}
"""Imported by Piccolo for new migrations, by Pyrogram for proxies, and by Litestar for a document that we
write ourselves."""


def install() -> None:
    """Changes how these modules are imported from now on."""
    sys.meta_path.insert(0, _Finder())


class _Finder:
    def __init__(self) -> None:
        self.used: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        later = fullname in WHEN_USED - self.used
        if fullname not in WITHOUT and not later:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            lean: Any = _Later(self) if later else _Without(spec.loader, WITHOUT[fullname])
            spec.loader = lean
        return spec


class _Later:
    """Puts something in a module's place. It is no importlib.util.LazyLoader: that one loads at once what is
    compiled, such as black."""

    def __init__(self, finder: _Finder) -> None:
        self.finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _WhenUsed(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing of it has been used yet."""

    def load(self, placeholder: ModuleType) -> ModuleType:
        """The module itself."""
        name = placeholder.__name__
        self.finder.used.add(name)
        if sys.modules.get(name) is placeholder:
            del sys.modules[name]
        return importlib.import_module(name)


class _WhenUsed(ModuleType):
    """Stands for a module."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what importlib and inspect look for in every module
            raise AttributeError(name)
        loader: Any = self.__loader__
        return getattr(loader.load(self), name)


class _Without:
    """Loads a module while others seem not to be installed."""

    def __init__(self, loader: "Loader", names: Iterable[str]) -> None:
        self.loader = loader
        self.names = tuple(names)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        with _hidden(self.names):
            self.loader.exec_module(module)


@contextmanager
def _hidden(names: Sequence[str]) -> Iterator[None]:
    """Python takes None for a module that can't be imported."""
    there = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(there)
