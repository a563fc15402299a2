"""Telegram's API types in many layers at once.

`telegram.tl` has the constructors and methods that the sandbox uses, each with the layers that have it. A TL
object is a plain dict: `{"_": "peerUser", "user_id": 1}`. An absent optional field is an absent key; a `true`
flag is True.
"""

import functools
from collections.abc import Callable
from typing import Any

from djangobot.bot.sandbox.mtproto import wire
from djangobot.bot.sandbox.mtproto.schema.codecs import TL, WRITERS, Write, inflate, vector_writer
from djangobot.bot.sandbox.mtproto.schema.library import (
    VECTOR,
    Constructor,
    UnknownConstructor,
    library,
    split,
)
from djangobot.bot.sandbox.mtproto.wire import Reader


class LayerUnknown(Exception):
    """A layer older or newer than all that the sandbox knows."""

    def __init__(self, layer: int) -> None:
        known = library().layers
        super().__init__(f"layer {layer} is unknown here, the layers are {known[0]} to {known[-1]}")
        self.layer = layer


class Schema:
    """One layer: writes answers. Reading is the same in all layers."""

    def __init__(self, layer: int) -> None:
        self.layer = layer
        self.constructors: dict[str, Constructor] = library().of(layer)
        self._writers: dict[str, Callable[[TL], bytes]] = {}
        self.read_method = library().read_method
        self.read_object = library().read_object

    def __contains__(self, name: str) -> bool:
        return name in self.constructors

    def write(self, value: TL) -> bytes:
        """A boxed object, or a method call, as tests write them."""
        name: str = value["_"]
        writer = self._writers.get(name)
        if writer is None:
            writer = self._writers[name] = self._writer_of(self.constructors[name])
        return writer(value)

    def write_result(self, method: str, value: Any) -> bytes:
        """A method's answer: an object, a Bool or a vector, as the method's line says."""
        return self._write_type(self.constructors[method].result)(value)

    def read_result(self, method: str, reader: Reader) -> Any:
        """The reverse of `write_result`, for tests."""
        return library().read_type(self.constructors[method].result)(reader)

    def _writer_of(self, constructor: Constructor) -> Callable[[TL], bytes]:
        head = wire.pack_uint(constructor.id)
        steps: list[tuple[str, Write | None, bool]] = []
        bits: dict[str, list[tuple[str, int, bool]]] = {}
        for field, declared in constructor.fields:
            flags, bit, kind = split(declared)
            if declared == "#":
                bits[field] = []
                steps.append((field, None, True))
                continue
            if flags:
                bits[flags].append((field, bit, kind == "true"))
            if kind != "true":
                steps.append((field, self._write_type(kind), bool(flags)))
        pack = wire.pack_uint

        def write(value: TL) -> bytes:
            parts = [head]
            for field, step, optional in steps:
                if step is None:
                    number = 0
                    for name, bit, plain in bits[field]:
                        present = value.get(name)
                        if present if plain else present is not None:
                            number |= bit
                    parts.append(pack(number))
                elif optional:
                    present = value.get(field)
                    if present is not None:
                        parts.append(step(present))
                else:
                    parts.append(step(value[field]))
            return b"".join(parts)

        return write

    def _write_type(self, kind: str) -> Write:
        if simple := WRITERS.get(kind):
            return simple
        if found := VECTOR.match(kind):
            return vector_writer(self._write_type(found.group(1)), boxed=kind[0] == "V")
        return self.write


def layers() -> list[int]:
    """The layers that the lines were made from, in ascending order."""
    return library().layers


def schema_for(layer: int) -> Schema:
    """The schema of this layer, or of the nearest one there is; LayerUnknown beyond them all."""
    nearest = library().nearest(layer)
    if nearest is None:
        raise LayerUnknown(layer)
    return _schema(nearest)


@functools.cache
def _schema(layer: int) -> Schema:
    return Schema(layer)


__all__ = [
    "TL",
    "Constructor",
    "LayerUnknown",
    "Schema",
    "UnknownConstructor",
    "inflate",
    "layers",
    "schema_for",
]
