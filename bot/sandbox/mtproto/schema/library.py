"""The lines of `telegram.tl`: constructors and methods, the layers that have them, and how each is read.

An id stands for one definition in whatever layer it is sent: reading needs no layer. A line is taken apart at
its first use, because one sandbox meets few of them.
"""

import bisect
import functools
import re
from pathlib import Path

from djangobot.bot.sandbox.mtproto.schema.codecs import READERS, TL, Read, inflate, vector_reader
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader

_GZIP_PACKED = 0x3072CFA1
_CONDITION = re.compile(r"^(flags\d*)\.(\d+)\?(.+)$")
VECTOR = re.compile(r"^[Vv]ector<(.+)>$")
# How deep objects may be nested. Real requests are far below. Our own choice.
_MAX_DEPTH = 40


class UnknownConstructor(Malformed):
    """A constructor id that no layer's line has."""

    def __init__(self, constructor: int, method: bool) -> None:
        super().__init__(f"unknown {'method' if method else 'constructor'} {constructor:08x}")
        self.constructor = constructor
        self.method = method


class Constructor:
    """One line: a constructor or a method."""

    def __init__(self, line: str, is_method: bool) -> None:
        self._spans, _, definition = line.partition(" ")
        named, _, self._rest = definition.partition(" ")
        self.name, _, number = named.partition("#")
        self.id = int(number, 16)
        self.is_method = is_method
        self.read: Read | None = None
        """Reads the fields; made at the first use."""

    def in_layer(self, layer: int) -> bool:
        """Whether this layer has it."""
        spans = (span.partition("-") for span in self._spans.split(","))
        return any(int(first) <= layer <= int(last or first) for first, _, last in spans)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """(name, declared type) of each field, in the order on the wire."""
        declared = self._rest.partition("= ")[0].split()
        return [(field, kind) for field, _, kind in (part.partition(":") for part in declared)]

    @property
    def result(self) -> str:
        """The type that a constructor belongs to, or that a method answers with."""
        return self._rest.partition("= ")[2].rstrip(";")


class Library:
    """All lines there are."""

    def __init__(self, text: str) -> None:
        self.layers: list[int] = []
        """The layers that the lines were made from, in ascending order."""
        self._types: dict[int, Constructor] = {}
        self._methods: dict[int, Constructor] = {}
        self._depth = 0
        numbers = self._types
        for line in text.splitlines():
            if line.startswith("// LAYERS "):
                self.layers = [int(number) for number in line.split()[2:]]
            elif line.startswith("---functions---"):
                numbers = self._methods
            elif not line.startswith("//"):
                constructor = Constructor(line, numbers is self._methods)
                numbers[constructor.id] = constructor

    def nearest(self, layer: int) -> int | None:
        """The layer whose lines stand for this one; None for one older or newer than all there are."""
        if not self.layers[0] <= layer <= self.layers[-1]:
            return None
        place = bisect.bisect_left(self.layers, layer)
        return min(self.layers[max(place - 1, 0) : place + 1], key=lambda known: abs(known - layer))

    def of(self, layer: int) -> dict[str, Constructor]:
        """The constructors and methods of a layer by their names."""
        every = [*self._types.values(), *self._methods.values()]
        return {constructor.name: constructor for constructor in every if constructor.in_layer(layer)}

    def read_method(self, reader: Reader) -> TL:
        """A request: the method's name under "_" and its arguments."""
        number = reader.uint32()
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                raise Malformed("calls nested too deep")
            if number == _GZIP_PACKED:
                return self.read_method(Reader(inflate(reader.blob())))
            return self._read(self._methods, number, reader)
        finally:
            self._depth -= 1

    def read_object(self, reader: Reader) -> TL:
        """A boxed object."""
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                raise Malformed("objects nested too deep")
            return self._read(self._types, reader.uint32(), reader)
        finally:
            self._depth -= 1

    def _read(self, known: dict[int, Constructor], number: int, reader: Reader) -> TL:
        constructor = known.get(number)
        if constructor is None:
            raise UnknownConstructor(number, method=known is self._methods)
        if constructor.read is None:
            constructor.read = self._reader_of(constructor)
        found: TL = constructor.read(reader)
        return found

    def _reader_of(self, constructor: Constructor) -> Read:
        steps = [(field, *split(kind), kind == "#") for field, kind in constructor.fields]
        compiled = [
            (field, flags, bit, None if is_flags or kind == "true" else self.read_type(kind), is_flags)
            for field, flags, bit, kind, is_flags in steps
        ]
        name = constructor.name

        def read(reader: Reader) -> TL:
            value: TL = {"_": name}
            seen: dict[str, int] = {}
            for field, flags, bit, step, is_flags in compiled:
                if is_flags:
                    seen[field] = reader.uint32()
                elif not flags or seen[flags] & bit:
                    value[field] = step(reader) if step else True
            return value

        return read

    def read_type(self, kind: str) -> Read:
        """How a value of this type is read."""
        if simple := READERS.get(kind):
            return simple
        if kind == "!X":
            return self.read_method
        if found := VECTOR.match(kind):
            return vector_reader(self.read_type(found.group(1)), boxed=kind[0] == "V")
        return self.read_object


def split(declared: str) -> tuple[str, int, str]:
    """`flags.3?int` as ("flags", 8, "int"); an unconditional field has no flags."""
    if found := _CONDITION.match(declared):
        return found.group(1), 1 << int(found.group(2)), found.group(3)
    return "", 0, declared


@functools.cache
def library() -> Library:
    """The lines of the file beside this one."""
    return Library(Path(__file__).with_name("telegram.tl").read_text())
