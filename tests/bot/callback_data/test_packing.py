"""What buttons, questions and jobs carry: it comes back as it was packed, and what is made up is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.callback_data.buttons import DATA_LIMIT, CallbackData
from djangobot.bot.callback_data.packing import MOST, DataInvalid, Packed, parse, prefix_of
from djangobot.bot.callback_data.questions import TokenName
from djangobot.bot.dispatch.commands import (
    ADMIN_BUTTONS,
    ADMIN_QUESTIONS,
    BUTTONS,
    JOBS,
    QUESTIONS,
    Route,
)

EVERY_BUTTON = {**BUTTONS, **ADMIN_BUTTONS}
EVERYTHING = [*EVERY_BUTTON.values(), *QUESTIONS.values(), *ADMIN_QUESTIONS.values()]
LARGEST_TEXT = {
    "^([0-9]{10}|[0-9]{20})\\Z": "9" * 20,
    "^[A-Za-z0-9]{1,4}\\Z": "zzzz",
    "^[a-z-]{1,20}\\Z": "z" * 20,
}
"""The longest text by its pattern."""
HOURS = "23:00-08:00"


def largest(field: msgspec.inspect.Type) -> Any:
    """The longest value that this type of a field allows."""
    match field:
        case msgspec.inspect.IntType(le=most):
            assert most is not None, "every number has a bound"
            return most
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.LiteralType(values=values):
            return max(values, key=lambda value: len(str(value)))
        case msgspec.inspect.StrType(pattern=pattern):
            return LARGEST_TEXT.get(pattern or "", HOURS if pattern else "")
        case _:
            raise AssertionError(f"a button has no field of this type: {field}")


def of_kind(kind: type[Packed]) -> Packed:
    """The largest value of this kind."""
    found = msgspec.inspect.type_info(kind)
    assert isinstance(found, msgspec.inspect.StructType)
    return kind(*(largest(field.type) for field in found.fields))


@pytest.mark.parametrize("route", EVERY_BUTTON.values(), ids=lambda route: prefix_of(route.kind))
def test_the_largest_value_of_each_kind_of_button_fits_and_comes_back(route: Route) -> None:
    """Telegram: 64 bytes at most."""
    assert issubclass(route.kind, CallbackData)
    value = of_kind(route.kind)
    data = value.pack()
    assert len(data.encode()) <= DATA_LIMIT
    assert data.partition(":")[0] == prefix_of(route.kind)
    assert parse(data, route.kind) == value


@pytest.mark.parametrize("route", EVERY_BUTTON.values(), ids=lambda route: prefix_of(route.kind))
def test_the_smallest_value_of_each_kind_of_button_comes_back(route: Route) -> None:
    """Fields with their default are left out, and are there again."""
    found = msgspec.inspect.type_info(route.kind)
    assert isinstance(found, msgspec.inspect.StructType)
    required = [field for field in found.fields if field.required]
    value = route.kind(*(largest(field.type) for field in required))
    assert value.pack().count(":") == len(required)
    assert parse(value.pack(), route.kind) == value


def test_no_two_tables_of_buttons_share_a_prefix() -> None:
    """Else an admin's button would hide another one."""
    assert not BUTTONS.keys() & ADMIN_BUTTONS.keys()
    assert not QUESTIONS.keys() & ADMIN_QUESTIONS.keys()
    assert JOBS


made_up = st.lists(
    st.text(max_size=20)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from(["", "null", "true", "1e400", "-0", "0x10", "1_0", "９", "\ud800", "\0", str(2**64)]),
    max_size=8,
).map(":".join)


@given(st.sampled_from(EVERYTHING), made_up)
def test_whatever_is_made_up_is_a_value_within_its_bounds_or_refused(route: Route, rest: str) -> None:
    """Nothing but DataInvalid is raised, and what is read has bounded numbers."""
    try:
        value = parse(f"{prefix_of(route.kind)}:{rest}", route.kind)
    except DataInvalid:
        return
    numbers = [field for field in msgspec.structs.astuple(value) if isinstance(field, int)]
    assert all(abs(number) <= MOST for number in numbers)


@pytest.mark.parametrize(
    "data", ["token_name", "token_name:", "token_name:x", "token_name:1:2", "other:1", ""]
)
def test_what_does_not_have_the_fields_of_its_kind_is_refused(data: str) -> None:
    """Too few, too many, wrong ones, and those of another kind."""
    with pytest.raises(DataInvalid):
        parse(data, TokenName)


def test_data_that_telegram_would_refuse_are_never_packed() -> None:
    """It is our mistake: the card is not sent with a button that does nothing."""
    kind = EVERY_BUTTON["users"].kind
    with pytest.raises(ValueError, match="64 bytes"):
        kind(1, "long " * 20).pack()  # pyright: ignore[reportCallIssue]
