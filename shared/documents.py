"""Documents as Markdown and HTML. Pure: whatever people wrote stays text and is never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

Row = tuple[str, ...]
NOTHING = "Nothing so far."


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a table; nothing to tell is told as that."""

    title: str
    columns: Row
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is told on one day; `name` says which page it is, `title` about what."""

    title: str
    name: str
    today: date
    sections: tuple[Section, ...]


def section(title: str, columns: Row, rows: Iterable[Iterable[Any]]) -> Section:
    """Return a section whose cells are text; what is not known is an empty cell."""
    return Section(title, columns, tuple(tuple(_text(cell) for cell in row) for row in rows))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~&:$^='\"])")
# Control characters, and those that turn the direction of the text around them.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:start;vertical-align:top}"
)


def markdown(document: Document) -> str:
    """Return the document as Markdown (GitHub's tables)."""
    return "\n".join(_markdown(document))


def _markdown(document: Document) -> Iterator[str]:
    yield f"# {_plain(document.title)}\n"
    yield f"{document.name}, {document.today}\n"
    for section in document.sections:
        yield f"## {_plain(section.title)}\n"
        if not section.rows:
            yield f"{NOTHING}\n"
            continue
        yield _row(section.columns)
        yield _row("---" for _ in section.columns).replace("\\", "")
        yield from (_row(row) for row in section.rows)
        yield ""


def _row(cells: Iterator[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Return text on one line in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", " ".join(shown(text).split()))


def shown(text: str) -> str:
    """Return text without what nobody sees and what would turn other text around."""
    return _HIDDEN.sub("\ufffd", text)


def html(document: Document) -> str:
    """Return the document as one HTML page that needs nothing else and runs nothing."""
    name = escape(f"{shown(document.title)}: {document.name}")
    parts = "".join(map(_html, document.sections))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{name}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(shown(document.title))}</h1>"
        f"<p>{escape(document.name)}, {document.today}</p>{parts}</body></html>\n"
    )


def _html(section: Section) -> str:
    title = f"<h2>{escape(shown(section.title))}</h2>"
    if not section.rows:
        return f"{title}<p>{NOTHING}</p>"
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in section.columns)
    rows = "".join(
        "<tr>" + "".join(f'<td dir="auto">{_lines(cell)}</td>' for cell in row) + "</tr>"
        for row in section.rows
    )
    return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _lines(text: str) -> str:
    return "<br>".join(escape(shown(line)) for line in text.split("\n"))
