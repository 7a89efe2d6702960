"""Tables that fit where they are shown: no figure is ever cut."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

BAR_CELLS, BAR_CELLS_LEAST = 16, 4
WIDEST = 10_000
EIGHTHS = " ▏▎▍▌▋▊▉"
FULL = "█"


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of a whole, drawn in eighths of a cell as wide as there is room."""

    share: Decimal

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.drawn(min(options.max_width, BAR_CELLS)), style="cyan", no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(BAR_CELLS_LEAST, BAR_CELLS)

    def drawn(self, cells: int) -> str:
        """Return it in so many cells; what is there but tiny is still seen."""
        share = max(Decimal(0), min(self.share, Decimal(1)))
        eighths = max(int(share * cells * 8), 1 if share > 0 else 0)
        return (FULL * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()


class Sheet(Table):
    """Where it is too wide, headings are stacked, bars and words get narrower, then bars go.

    Where that is not enough either, each row is told line by line.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width
        anywhere = options.update(max_width=WIDEST)
        whole = self._drawn(BAR_CELLS, stacked=False)
        if Measurement.get(console, anywhere, whole).maximum <= room:
            yield from whole.__rich_console__(console, options)
            return
        # Bars give way before words do.
        over = Measurement.get(console, anywhere, self._drawn(BAR_CELLS)).maximum - room
        for bars in (min(BAR_CELLS, max(BAR_CELLS_LEAST, BAR_CELLS - over)), 0):
            drawn = self._drawn(bars)
            if _narrow(drawn, Measurement.get(console, anywhere, drawn).maximum - room):
                yield from drawn.__rich_console__(console, options)
                return
        yield from self._told(console, options)

    def _drawn(self, bars: int, *, stacked: bool = True) -> Table:
        """Return a plain table with bars of so many cells; 0: without."""
        drawn = Table(box=self.box, pad_edge=False, title=self._titled(), title_justify="left")
        if stacked:
            drawn.padding = (0, 1, 0, 0)
        shown = []
        for column in self.columns:
            cells = list(column.cells)
            drawn_as = bool(cells) and isinstance(cells[0], Bar)
            if drawn_as and not bars:
                continue
            shown.append(cells)
            figures = column.justify == "right"
            heading = str(column.header)
            drawn.add_column(
                heading.replace(" ", "\n") if stacked and figures else heading,
                justify=column.justify,
                overflow=column.overflow,
                width=bars if drawn_as else None,
                no_wrap=figures and column.overflow != "fold",
            )
        for row in zip(*shown, strict=True):
            drawn.add_row(*row)
        return drawn

    def _titled(self) -> Text | None:
        """Return the title so that it wraps, on a console that wraps nothing by itself, too."""
        if not self.title:
            return None
        return Text(str(self.title), style="italic", no_wrap=False, overflow="fold")

    def _told(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = self._titled()
        if title is not None:
            yield title
        names = [str(column.header) for column in self.columns]
        for row in zip(*(column.cells for column in self.columns), strict=True):
            lines = Table(box=None, pad_edge=False, show_header=False)
            lines.add_column(style="dim")
            lines.add_column(overflow="fold")
            for name, cell in zip(names, row, strict=True):
                if cell not in ("", None):
                    lines.add_row(name, cell)
            yield from lines.__rich_console__(console, options)
            yield Text()


def _narrow(drawn: Table, over: int) -> bool:
    """Take so many cells from the columns of words, where there is most to take, if there are.

    No word is parted: a date or an id is one, and would be another one in two pieces.
    """
    words = [column for column in drawn.columns if not column.no_wrap and column.width is None]
    widths = [max(_lengths(column, lines=True)) for column in words]
    least = [max(_lengths(column, lines=False)) for column in words]
    if sum(widths) - sum(least) < over:
        return False
    for _ in range(over):
        most = max(range(len(words)), key=lambda at: widths[at] - least[at])
        widths[most] -= 1
    for column, width in zip(words, widths, strict=True):
        column.width = width
    return True


def _lengths(column: Column, *, lines: bool) -> Iterator[int]:
    """Yield how wide the lines of a column are, or its words."""
    for cell in (column.header, *column.cells):
        text = cell.plain if isinstance(cell, Text) else str(cell)
        yield from (cell_len(part) for part in (text.splitlines() if lines else text.split()))
    yield 0


def columns(words: Sequence[str], numbers: Sequence[str] = ()) -> Sheet:
    """Return an empty table: words to the left, numbers to the right."""
    table = Sheet(box=box.SIMPLE_HEAD)
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table
