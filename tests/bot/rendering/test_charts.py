"""Charts: drawn elsewhere, whatever the names are."""

import struct
import sys
from datetime import date, timedelta

import pytest

from djangobot.bot.handlers.stats import Month, picture_of
from djangobot.bot.rendering import charts
from djangobot.bot.rendering.charts import ChartFailed, Panel, Picture, Series

NAMES = ["Фёдор 😀", "$x_1$ \\frac", "", "名前", "a" * 300]


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize("dark", [False, True])
async def test_every_kind_of_panel_is_drawn_in_another_process(dark: bool) -> None:
    """A picture as wide as a phone's screen; names are neither mathematics nor a reason to fail."""
    panels = [
        Panel("Bars", "bars", ["a", "b"], [Series(name, [1, 2]) for name in NAMES], rest=True),
        Panel("Lines", "lines", ["a", "b"], [Series(name, [0.5, 20_000]) for name in NAMES]),
        Panel("Ranks", "ranks", NAMES, [Series("", [5, 4, 3, 2, 1_000_000])]),
        Panel("Nothing", "bars", [], []),
        Panel("No lines", "lines", ["a"], [Series("none", [0])]),
        Panel("Nobody", "ranks", [], []),
    ]
    width, height = size(await charts.draw(Picture("Title 🎉", "subtitle", panels, dark)))
    assert width == 1080
    assert height > 2000
    assert "djangobot.bot.rendering.chart_painter" not in sys.modules


async def test_what_cannot_be_drawn_is_an_error_of_ours() -> None:
    """The service goes on."""
    with pytest.raises(ChartFailed):
        await charts.draw(Picture("", "", [Panel("", "bars", ["a"], [Series("", [1, 2, 3])])]))


@pytest.mark.parametrize("senders", [1, 5, 6, 40])
def test_few_senders_have_colours_and_the_others_share_one(senders: int) -> None:
    """All messages are in the picture, however many sent them."""
    days = [date(2026, 11, 1) + timedelta(days=number) for number in range(30)]
    counts = [{token: token + 1 for token in range(senders)} for _ in days]
    month = Month(days, counts, {token: f"sender {token}" for token in range(senders)})
    picture = picture_of(month, "ru", dark=False)
    bars, ranks = picture.panels
    assert len(bars.series) == len(ranks.labels) == min(senders, charts.MOST_SERIES)
    assert bars.rest == (senders > charts.MOST_SERIES)
    assert sum(sum(one.values) for one in bars.series) == sum(sum(day.values()) for day in counts)
    assert ranks.series[0].values == [sum(one.values) for one in bars.series]
