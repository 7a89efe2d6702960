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
    """A column in which nothing is told of any row is left out.

    Where it is too wide, headings are stacked, bars and words get narrower, then bars go.

    Where that is not enough, columns that can be spared go, the last of `spare` first, and it is
    said which. Where that is not enough either, each row is told line by line.
    """

    spare: tuple[str, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        told = {str(column.header) for column in self._told_of()}
        spare = [name for name in self.spare if name in told]
        for kept in range(len(spare), -1, -1):
            drawn = self._fitting(console, options, spare[kept:])
            if drawn is not None:
                yield from drawn.__rich_console__(console, options)
                if not drawn.show_edge:
                    yield Text()  # What comes next stands as far below as it does elsewhere.
                return
        yield from self._told(console, options)

    def _told_of(self) -> list[Column]:
        """Return the first column, and those in which something is told of some row."""
        first, *others = self.columns
        return [first, *(one for one in others if not self.rows or any(map(_tells, one.cells)))]

    def _fitting(
        self, console: Console, options: ConsoleOptions, gone: Sequence[str]
    ) -> Table | None:
        """Return it without these columns, as wide as there is room; None: there is too little."""
        room = options.max_width
        anywhere = options.update(max_width=WIDEST)
        whole = self._drawn(BAR_CELLS, gone, stacked=False)
        if Measurement.get(console, anywhere, whole).maximum <= room:
            return whole
        # Bars give way before words do.
        over = Measurement.get(console, anywhere, self._drawn(BAR_CELLS, gone)).maximum - room
        for bars in (min(BAR_CELLS, max(BAR_CELLS_LEAST, BAR_CELLS - over)), 0):
            drawn = self._drawn(bars, gone)
            if _narrow(drawn, Measurement.get(console, anywhere, drawn).maximum - room):
                return drawn
        return None

    def _drawn(self, bars: int, gone: Sequence[str], *, stacked: bool = True) -> Table:
        """Return a plain table with bars of so many cells; 0: without."""
        drawn = Table(box=self.box, pad_edge=False, title=self._titled(), title_justify="left")
        drawn.caption, drawn.caption_justify = self._captioned(gone), "left"
        if stacked:
            drawn.padding, drawn.show_edge = (0, 1, 0, 0), False
        shown = []
        for column in self._told_of():
            cells = list(column.cells)
            heading = str(column.header)
            drawn_as = bool(cells) and isinstance(cells[0], Bar)
            if heading in gone or (drawn_as and not bars):
                continue
            shown.append(cells)
            figures = column.justify == "right"
            drawn.add_column(
                heading.replace(" ", "\n") if stacked and figures else heading,
                justify=column.justify,
                overflow=column.overflow,
                width=bars if drawn_as else None,
                no_wrap=figures and column.overflow != "fold",
            )
        for row, told in zip(self.rows, zip(*shown, strict=True), strict=True):
            drawn.add_row(*told, end_section=row.end_section)
        return drawn

    def _captioned(self, gone: Sequence[str]) -> Text | None:
        """Return what is said below it, which is also what there is no room for."""
        words = [str(self.caption)] if self.caption else []
        if gone:
            words.append(f"no room for: {', '.join(gone)}")
        return _wrapped("\n".join(words), "dim italic") if words else None

    def _titled(self) -> Text | None:
        return _wrapped(str(self.title), "italic") if self.title else None

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
        caption = self._captioned(())
        if caption is not None:
            yield caption


def _tells(cell: object) -> bool:
    """Whether anything is seen of it."""
    return cell.share > 0 if isinstance(cell, Bar) else bool(cell)


def _wrapped(words: str, style: str) -> Text:
    """Return words that wrap, on a console that wraps nothing by itself, too."""
    return Text(words, style=style, no_wrap=False, overflow="fold")


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
