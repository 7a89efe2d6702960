"""HTTP for what many issues come to: the board of a customer, the voice of customers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import Depends, Query, Response

from services.issues.boards import (
    Board,
    Voice,
    board,
    board_document,
    voices,
    voices_document,
)
from services.issues.projections import issue_card
from shared.command import Day
from shared.errors import InvalidError
from shared.exports import note_columns
from shared.pages import FORMS, Form, formed
from shared.runtime import Runtime
from shared.web import AtLeast, StreamId, runtime_of
from shared.web.router import Router

router = Router(prefix="/issues", tags=["issues"])
Issues = Annotated[Runtime, Depends(runtime_of("issues"))]
# As far back as anybody looks at once.
DAYS_MAX, MONTH = 400, timedelta(days=30)


def days_asked(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """Return from when to when is asked; without days, the last thirty.

    Raises:
        InvalidError: that is longer than anybody looks back at once, or ends before it begins.

    """
    last = last or today
    first = first or last - MONTH
    if not 0 <= (last - first).days <= DAYS_MAX:
        raise InvalidError(f"from 0 to {DAYS_MAX} days", field="query/first")
    return first, last


def between(name: str, first: date, last: date, **more: str | None) -> dict[str, Any]:
    """Return what views of these days have, and what else is asked of them."""
    where: dict[str, Any] = {name: {"$gte": first.isoformat(), "$lte": last.isoformat()}}
    return where | {of: value for of, value in more.items() if value is not None}


@router.get("/boards/{company}", response_model=None, responses=FORMS)
async def get_board(
    company: StreamId,
    runtime: Issues,
    at_least: AtLeast,
    response: Response,
    form: Form = "json",
) -> Board | Response:
    """What is open with a customer: by severity, age and owner, with what is to be done (I-09)."""
    stream = f"company-{company}"
    where = {"company": stream, "open": True}
    cards = [card async for card in runtime.reader(issue_card).every(where, at_least)]
    made = board(stream, cards, runtime.today)
    return formed(made, board_document(made), form, response)


@router.get("/voice", response_model=None, responses=FORMS)
async def get_voice(
    runtime: Issues,
    at_least: AtLeast,
    response: Response,
    first: Day | None = None,
    last: Day | None = None,
    company: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    form: Form = "json",
) -> dict[str, Any] | Response:
    """What customers said in these days, in their own words, the gravest first (I-10).

    Without days: in the last thirty.
    """
    first, last = days_asked(first, last, runtime.today)
    where = between("registered_on", first, last, company=company)
    cards = [card async for card in runtime.reader(issue_card).every(where, at_least)]
    told = voices(cards, limit)
    note_columns(Voice)
    made = {"items": told, "first": first, "last": last, "of": len(cards)}
    return formed(made, voices_document(told, first, last), form, response)
