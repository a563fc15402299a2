"""Exports: what is written is what there was, and no spreadsheet runs it."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.handlers.export import COLUMNS, FORMATS, csv_rows, json_lines
from djangobot.db.messages.messages import Entry

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
entries = st.builds(
    Entry,
    seq=st.just(1),
    id=st.just("0190"),
    time=st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC)),
    text=words,
    type=st.just("Text"),
    status=st.sampled_from(["sent", "failed"]),
    failure=st.none() | words,
    sender=words,
    token=st.none() | words,
    chat=st.just(1),
)


@given(st.lists(entries, max_size=5))
def test_json_lines_are_read_back_to_the_letter(written: list[Entry]) -> None:
    """A line for each message, whatever is in its text."""
    read = [json.loads(line) for line in json_lines(written).split(b"\n")[:-1]]
    assert [row["text"] for row in read] == [entry.text for entry in written]
    assert all(tuple(row) == COLUMNS for row in read)


@given(st.lists(entries, max_size=5))
def test_csv_is_read_back_and_has_no_formula(written: list[Entry]) -> None:
    """Only what would be a formula has an apostrophe before it."""
    read = list(csv.reader(io.StringIO(csv_rows(written).decode(), newline="")))
    assert len(read) == len(written)
    for row, entry in zip(read, written, strict=True):
        text = row[COLUMNS.index("text")]
        assert text in (entry.text, f"'{entry.text}")
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


@pytest.mark.parametrize("text", ["=1+1", "+7 900", "-5", "@SUM(A1)", "\t=1"])
def test_formulas_are_made_text(text: str) -> None:
    """They begin with an apostrophe, which a spreadsheet takes for the mark of a text."""
    entry = Entry(1, "i", datetime(2026, 1, 1, tzinfo=UTC), text, "Text", "sent", None, "=a", None, 1)
    assert f"'{text}".encode() in csv_rows([entry])


def test_csv_says_that_it_is_utf_8() -> None:
    """Spreadsheets look for the mark; each file has the names of its columns."""
    assert (
        FORMATS["csv"].head.decode("utf-8-sig")
        == "time,sender,token,type,status,failure,title,text,tags,files,id\r\n"
    )
