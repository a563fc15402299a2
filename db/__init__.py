"""The database: what DjangoBot stores, and the rules for changing it."""

import importlib
import sys
from types import ModuleType
from typing import Any


class _WhenUsed(ModuleType):
    """Imports a module when something of it is first used."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


# Piccolo imports black to write new migrations. The service never writes any. This saves 12 MB and 0.1 s.
sys.modules.setdefault("black", _WhenUsed("black"))
