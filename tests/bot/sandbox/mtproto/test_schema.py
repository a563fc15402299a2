"""The lines of every layer, and reading and writing by them."""

import contextlib
import functools
import importlib.util
import inspect
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import pyrogram
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from djangobot.bot.sandbox.mtproto import schema, wire
from djangobot.bot.sandbox.mtproto.schema import Constructor, Schema
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader

LAYERS = [schema.schema_for(layer) for layer in schema.layers()]
BARE = {
    "int": st.integers(-(1 << 31), (1 << 31) - 1),
    "long": st.integers(-(1 << 63), (1 << 63) - 1),
    "double": st.floats(allow_nan=False),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    "bytes": st.binary(max_size=300),
    "Bool": st.booleans(),
    "true": st.just(True),
    "int128": st.binary(min_size=16, max_size=16),
    "int256": st.binary(min_size=32, max_size=32),
}


def derive_schema() -> ModuleType:
    """The script that makes the files."""
    path = Path(__file__).with_name("derive_schema.py")
    spec = importlib.util.spec_from_file_location("derive_schema", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def value_of(known: Schema, kind: str, draw: st.DrawFn, depth: int) -> Any:
    """Any value of a type; objects end at a depth."""
    if kind in BARE:
        return draw(BARE[kind])
    if kind.lower().startswith("vector<"):
        size = draw(st.integers(0, 3)) if depth < 4 else 0
        inner = kind[len("vector<") : -1]
        if inner not in BARE and not of_type(known, inner):
            size = 0
        return [value_of(known, inner, draw, depth + 1) for _ in range(size)]
    choices = of_type(known, kind)
    if depth >= 4:
        choices = sorted(choices, key=lambda c: len([k for _, k in c.fields if "?" not in k]))[:1]
    return object_of(known, draw(st.sampled_from(choices)), draw, depth + 1)


@functools.cache
def of_type(known: Schema, kind: str) -> list[Constructor]:
    """The constructors of a type; for a wrapped query, some methods."""
    if kind == "!X":
        return [known.constructors[name] for name in ("help.getConfig", "updates.getState", "users.getUsers")]
    return [c for c in writable_of(known) if c.result == kind and not c.is_method]


@functools.cache
def writable_of(known: Schema) -> list[Constructor]:
    """What a layer has all the parts of."""
    types = {c.result for c in known.constructors.values() if not c.is_method}
    return [c for c in known.constructors.values() if writable(types, c)]


def writable(types: set[str], constructor: Constructor) -> bool:
    """Whether every required field has one of these types."""
    for _, kind in constructor.fields:
        inner = kind.split("?")[-1].removeprefix("Vector<").rstrip(">")
        required = "?" not in kind and inner not in BARE and kind != "#" and inner != "!X"
        if required and inner not in types:
            return False
    return True


def object_of(known: Schema, constructor: Constructor, draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    """Any object of a constructor."""

    def possible(kind: str) -> bool:
        inner = kind.removeprefix("Vector<").rstrip(">")
        return inner in BARE or bool(of_type(known, inner))

    value: dict[str, Any] = {"_": constructor.name}
    # Fields under one flag come and go together.
    together: dict[str, list[str]] = {}
    for _, declared in constructor.fields:
        condition, _, kind = declared.rpartition("?")
        together.setdefault(condition, []).append(kind)
    present = {
        condition: depth < 4 and all(map(possible, kinds)) and draw(st.booleans())
        for condition, kinds in together.items()
        if condition
    }
    for field, declared in constructor.fields:
        if declared == "#":
            continue
        condition, _, kind = declared.rpartition("?")
        if condition and not present[condition]:
            continue
        value[field] = value_of(known, kind, draw, depth + 1)
    return value


@st.composite
def objects(draw: st.DrawFn) -> tuple[Schema, dict[str, Any]]:
    """A layer and any object or call of it."""
    known = draw(st.sampled_from(LAYERS))
    return known, object_of(known, draw(st.sampled_from(writable_of(known))), draw)


@settings(max_examples=200, deadline=None)
@given(objects())
def test_every_object_survives_writing_and_reading(pair: tuple[Schema, dict[str, Any]]) -> None:
    """Each constructor and method of each layer, with any of its optional fields."""
    known, value = pair
    reader = Reader(known.write(value))
    is_method = known.constructors[value["_"]].is_method
    assert (known.read_method if is_method else known.read_object)(reader) == value
    assert not reader.left


@settings(max_examples=100, deadline=None)
@given(objects(), st.data())
def test_cut_or_changed_bytes_are_at_most_malformed(
    pair: tuple[Schema, dict[str, Any]], data: st.DataObject
) -> None:
    """Whatever a client sends, reading ends in an object or in Malformed."""
    known, value = pair
    packed = bytearray(known.write(value))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    for read in (known.read_method, known.read_object):
        for end in (len(packed), place):
            with contextlib.suppress(Malformed):
                read(Reader(bytes(packed[:end])))


@pytest.mark.parametrize("known", LAYERS, ids=lambda known: f"layer {known.layer}")
def test_vectors_of_every_element_size_are_read_by_their_type(known: Schema) -> None:
    """Four bytes (inputUserSelf), eight (inputMessageID, long), and mixed: nothing is guessed from sizes."""
    for value in (
        {"_": "users.getUsers", "id": [{"_": "inputUserSelf"}] * 2},
        {"_": "messages.getMessages", "id": [{"_": "inputMessageID", "id": n} for n in range(3)]},
        {"_": "messages.deleteMessages", "id": [1, 2]},
        {"_": "invokeAfterMsgs", "msg_ids": [1 << 40, -1], "query": {"_": "help.getConfig"}},
    ):
        assert known.read_method(Reader(known.write(value))) == value


def test_a_lying_vector_is_refused_before_memory_is_taken() -> None:
    """A count the packet cannot hold."""
    known = LAYERS[0]
    packed = wire.pack_uint(known.constructors["messages.deleteMessages"].id) + struct.pack("<I", 0)
    with pytest.raises(Malformed):
        known.read_method(Reader(packed + struct.pack("<II", wire.VECTOR, 0x7FFFFFFF)))


def test_a_layer_between_is_answered_as_the_nearest_and_others_are_unknown() -> None:
    """Of two that are as near, the older one is taken."""
    known = schema.layers()
    assert (known[0], known[-1]) == (158, 229)
    for layer in range(158, 230):
        nearest = schema.schema_for(layer).layer
        assert abs(nearest - layer) == min(abs(other - layer) for other in known)
    assert [schema.schema_for(layer).layer for layer in (159, 180, 181)] == [158, 179, 181]
    for layer in (0, 157, 230, 999):
        with pytest.raises(schema.LayerUnknown, match=str(layer)):
            schema.schema_for(layer)


def test_every_id_stands_for_one_definition() -> None:
    """Reading needs no layer: an id comes once, and each layer has each name once."""
    text = (Path(schema.__file__).parent / "telegram.tl").read_text()
    lines = [Constructor(line, False) for line in text.splitlines() if line[0].isdigit()]
    assert len({constructor.id for constructor in lines}) == len(lines)
    for known in LAYERS:
        names = [constructor.name for constructor in lines if constructor.in_layer(known.layer)]
        assert len(set(names)) == len(names) == len(known.constructors)


def test_layer_158_says_what_pyrogram_says() -> None:
    """Ids and fields are what the installed Pyrogram's classes give; newer layers may add flags to an id."""
    folder = Path(pyrogram.__file__).parent
    files = ((f"/{path}", path.read_text()) for path in folder.glob("raw/*/**/*.py"))
    lines = derive_schema().lines_of(files)
    theirs = {line.partition("#")[0]: Constructor(f"158 {line}", False) for line in lines.values()}
    for name, constructor in schema.schema_for(158).constructors.items():
        assert constructor.id == theirs[name].id, name
        assert constructor.result == theirs[name].result, name
        valued = [field for field in constructor.fields if not field[1].endswith("?true")]
        assert valued == [field for field in theirs[name].fields if not field[1].endswith("?true")], name


def test_layer_229_says_what_telethon_says() -> None:
    """Telethon was made by others from the same schema: ids and field names agree."""
    tlobjects = importlib.import_module("telethon.tl.alltlobjects")
    assert tlobjects.LAYER == 229
    compared = 0
    for constructor in schema.schema_for(229).constructors.values():
        cls = tlobjects.tlobjects.get(constructor.id)
        if cls is None or constructor.name in (
            "message",
            "messageEmpty",
            "messageService",
        ):  # Telethon has its own classes here
            continue
        compared += 1
        fields = {field for field, kind in constructor.fields if kind != "#"}
        theirs = set() if cls.__init__ is object.__init__ else set(inspect.signature(cls).parameters)
        assert fields == theirs, constructor.name
    assert compared > 300
