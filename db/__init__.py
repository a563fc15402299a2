"""The memory: what DjangoBot remembers, and the rules for changing it."""

import importlib
import sys
from types import ModuleType
from typing import Any


class _WhenUsed(ModuleType):
    """Stands for a module until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


# Piccolo imports black to write new migrations, which the service never does: 12 MB and 0.1 s.
sys.modules.setdefault("black", _WhenUsed("black"))
