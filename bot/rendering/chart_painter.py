"""Paints charts. Run as a program, it reads a picture as JSON and writes it as PNG.

Everything is drawn twice as large and then made smaller, which smooths lines and letters.
"""

import io
import math
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image, ImageDraw, ImageFont

from djangobot.bot.rendering.charts import MOST_SERIES, Panel, Picture

WIDTH = 1080
"""Dots: the width of a phone's screen."""
LARGER = 2
TITLE_HEIGHT, PANEL_HEIGHT, RANK_HEIGHT = 171, 522, 76
LEFT, AXIS_LEFT, RIGHT = 54, 119, 1026
"""Where titles and ranks begin, where bars and lines begin, and where all of them end."""
HEAD, FOOT, LEGEND_FOOT = 81, 90, 135
"""Above the panel's area is its title, below it the labels, and the legend of lines."""
BIG, MIDDLE, NORMAL, SMALL = 40, 29, 26, 22
"""Sizes of letters."""
MOST_TICKS = 7
NAME_LENGTH = 26
FONTS = Path(__file__).parent / "fonts"
NOT_THERE = "\uffff"
"""A character that no font has."""


class Theme(msgspec.Struct, frozen=True):
    """The colours of one background."""

    page: str
    text: str
    soft: str
    grid: str
    rest: str
    series: tuple[str, ...]


LIGHT = Theme(
    "#ffffff", "#1b2733", "#64748b", "#e5eaf0", "#a9b4c0",
    ("#2a78d0", "#f0932b", "#2fa37c", "#8e63ce", "#d6517d"),
)  # fmt: skip
DARK = Theme(
    "#17212b", "#eef3f8", "#93a4b5", "#2a3846", "#5f7081",
    ("#5aa7f0", "#f7b155", "#58c9a0", "#b592ea", "#f082a5"),
)  # fmt: skip


class Canvas:
    """The picture while it is drawn. Places are in dots of the finished picture, from its upper left."""

    def __init__(self, height: int, theme: Theme) -> None:
        self.theme = theme
        self.image = Image.new("RGB", (WIDTH * LARGER, height * LARGER), theme.page)
        self.pen = ImageDraw.Draw(self.image)

    def text(self, place: tuple[float, float], text: str, size: int, colour: str, style: str = "ls") -> None:
        """Writes at the place. The style is Pillow's anchor, with `b` before it for bold letters."""
        bold, anchor = style.startswith("b"), style.removeprefix("b")
        self.pen.text(scaled(place), drawable(text), colour, font(size, bold), anchor)

    def box(self, upper_left: tuple[float, float], lower_right: tuple[float, float], colour: str) -> None:
        """Fills a rectangle, if it has a size."""
        (left, top), (right, bottom) = scaled(upper_left), scaled(lower_right)
        if right > left and bottom > top:
            self.pen.rectangle((left, top, right - 1, bottom - 1), colour)

    def line(self, places: Sequence[tuple[float, float]], colour: str) -> None:
        """A line through these places; a single one is a dot."""
        points = [scaled(place) for place in places]
        if len(points) > 1:
            self.pen.line(points, colour, 5 * LARGER, joint="curve")
        for x, y in points[:1]:
            self.pen.ellipse((x - 5, y - 5, x + 5, y + 5), colour)

    def png(self) -> bytes:
        """The finished picture."""
        out = io.BytesIO()
        size = (self.image.width // LARGER, self.image.height // LARGER)
        self.image.resize(size, Image.Resampling.BOX).save(out, "PNG", optimize=True)
        return out.getvalue()


def scaled(place: tuple[float, float]) -> tuple[int, int]:
    """A place on the larger picture."""
    return round(place[0] * LARGER), round(place[1] * LARGER)


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans: Latin, Greek, Cyrillic, Armenian, Georgian and Hebrew letters."""
    return ImageFont.truetype(FONTS / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size * LARGER)


def paint(picture: Picture) -> bytes:
    """Draws the picture and returns it as PNG."""
    theme = DARK if picture.dark else LIGHT
    heights = [_height(panel) for panel in picture.panels]
    canvas = Canvas(TITLE_HEIGHT + sum(heights), theme)
    canvas.text((LEFT, 68), picture.title, BIG, theme.text, "bls")
    canvas.text((LEFT, 122), picture.subtitle, NORMAL, theme.soft)
    top = TITLE_HEIGHT
    for panel, height in zip(picture.panels, heights, strict=True):
        canvas.text((LEFT, top + 50), panel.title, MIDDLE, theme.text, "bls")
        _PAINTERS[panel.kind](canvas, panel, top, top + height)
        top += height
    return canvas.png()


def _height(panel: Panel) -> int:
    return 126 + RANK_HEIGHT * max(1, len(panel.labels)) if panel.kind == "ranks" else PANEL_HEIGHT


def _colours(panel: Panel, theme: Theme, count: int) -> list[str]:
    chosen = [theme.series[number % MOST_SERIES] for number in range(count)]
    return [*chosen[:-1], theme.rest] if panel.rest and chosen else chosen


class Area(msgspec.Struct, frozen=True):
    """Where the bars or lines of a panel are, and which values it spans."""

    top: float
    bottom: float
    labels: int
    highest: float

    def x(self, place: float) -> float:
        """The label at this place, from left to right; there is some room beside the first and the last."""
        return AXIS_LEFT + (RIGHT - AXIS_LEFT) * (place + 0.6) / (max(1, self.labels) + 0.2)

    def y(self, value: float) -> float:
        """The height of this value."""
        return self.bottom - (self.bottom - self.top) * value / (max(1.0, self.highest) * 1.08)


def _bars(canvas: Canvas, panel: Panel, top: int, bottom: int) -> None:
    sums = [sum(values) for values in zip(*(series.values for series in panel.series), strict=True)]
    area = Area(top + HEAD, bottom - FOOT, len(panel.labels), max(sums, default=0))
    _axes(canvas, panel, area)
    below = [0.0] * len(panel.labels)
    for series, colour in zip(panel.series, _colours(panel, canvas.theme, len(panel.series)), strict=True):
        for place, (base, value) in enumerate(zip(below, series.values, strict=True)):
            upper_left = area.x(place - 0.39), area.y(base + value)
            canvas.box(upper_left, (area.x(place + 0.39), area.y(base)), colour)
            below[place] = base + value


def _lines(canvas: Canvas, panel: Panel, top: int, bottom: int) -> None:
    highest = max((value for series in panel.series for value in series.values), default=0)
    area = Area(top + HEAD, bottom - LEGEND_FOOT, len(panel.labels), highest)
    _axes(canvas, panel, area)
    colours = _colours(panel, canvas.theme, len(panel.series))
    for series, colour in zip(panel.series, colours, strict=True):
        canvas.line([(area.x(place), area.y(value)) for place, value in enumerate(series.values)], colour)
    _legend(canvas, [series.name for series in panel.series], colours, bottom - 45)


def _legend(canvas: Canvas, names: Sequence[str], colours: Sequence[str], y: float) -> None:
    """The names of the lines in one row, each behind a piece of its line."""
    shown = [_shortened(name) for name in names]
    widths = [42 + font(SMALL).getlength(drawable(name)) / LARGER + 27 for name in shown]
    x = max(LEFT, (AXIS_LEFT + RIGHT - sum(widths)) / 2)
    for name, colour, width in zip(shown, colours, widths, strict=True):
        canvas.line([(x, y - 8), (x + 27, y - 8)], colour)
        canvas.text((x + 42, y), name, SMALL, canvas.theme.text)
        x += width


def _axes(canvas: Canvas, panel: Panel, area: Area) -> None:
    """Draws no frame, few lines, and labels that read horizontally."""
    for tick in _ticks(area.highest):
        y = area.y(tick)
        canvas.box((AXIS_LEFT, y - 1), (RIGHT, y + 1), canvas.theme.grid)
        canvas.text((AXIS_LEFT - 12, y), _short(tick), SMALL, canvas.theme.soft, "rm")
    step = -(-len(panel.labels) // MOST_TICKS) or 1
    for place in range(len(panel.labels) - 1, -1, -step):
        canvas.text((area.x(place), area.bottom + 14), panel.labels[place], SMALL, canvas.theme.soft, "mt")


def _ticks(highest: float) -> list[float]:
    """Round values from 0 up to the highest, five of them at most. Small counts get whole numbers."""
    least = 1.0 if highest >= 4 or highest == 0 else 0.0
    rough = max(highest, 1) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * part for part in (1, 2, 5, 10) if size * part >= rough * 0.999)
    step = max(step, least)
    return [number * step for number in range(int(max(highest, 1) * 1.08 / step) + 1)]


def _ranks(canvas: Canvas, panel: Panel, top: int, _: int) -> None:
    theme = canvas.theme
    values = panel.series[0].values if panel.series else []
    most = max([*values, 1])
    rows = zip(panel.labels, values, _colours(panel, theme, len(values)), strict=True)
    for row, (label, value, colour) in enumerate(rows):
        y = top + HEAD + row * RANK_HEIGHT
        canvas.text((LEFT, y + 34), _shortened(label), NORMAL, theme.text)
        canvas.text((RIGHT, y + 34), _number(value), NORMAL, theme.text, "brs")
        canvas.box((LEFT, y + 48), (RIGHT, y + 60), theme.grid)
        canvas.box((LEFT, y + 48), (LEFT + (RIGHT - LEFT) * value / most, y + 60), colour)


def _shortened(name: str) -> str:
    name = drawable(name)
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def _number(value: float) -> str:
    """The number with narrow spaces between thousands, and without a meaningless fraction."""
    return f"{value:,.10g}".replace(",", "\u202f")


def _short(value: float) -> str:
    """The number for an axis: thousands as k, millions as M."""
    for size, letter in ((1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e6 if letter == 'M' else 1e3):g}{letter}"
    return _number(value)


def drawable(text: str) -> str:
    """The text without characters that the font lacks, above all pictograms. They would appear as empty
    boxes."""
    return "".join(character for character in text if _there(character)).strip()


@cache
def _there(character: str) -> bool:
    return character.isspace() or _drawn(character) != _drawn(NOT_THERE)


def _drawn(character: str) -> tuple[tuple[int, int], bytes]:
    mask: Any = font(NORMAL).getmask(character)
    return mask.size, bytes(mask)


_PAINTERS = {"bars": _bars, "lines": _lines, "ranks": _ranks}

if __name__ == "__main__":
    sys.stdout.buffer.write(paint(msgspec.json.decode(sys.stdin.buffer.read(), type=Picture)))
