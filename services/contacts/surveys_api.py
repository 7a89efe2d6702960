"""HTTP for the registry of surveys: which questions there are, and whether one may be asked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from services.contacts.reads import (
    Contacts,
    defaults_of,
    entries,
    statements_of,
)
from services.contacts.statement_views import all_statements
from services.contacts.surveys import MayAsk, may_ask, survey_question
from shared.exact import NOT_BLANK
from shared.web import AtLeast, PageWanted, StreamId, page
from shared.web.router import Router

router = Router(tags=["contacts"])


@router.get("/contacts/questions")
async def list_questions(
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    asked_by: str | None = None,
    survey: str | None = None,
) -> dict[str, Any]:
    """Every question that was ever asked, with how often it was repeated too soon (C-12)."""
    where = {"asked_by": asked_by, "surveys": survey}
    return await page(runtime.reader(survey_question), where, wanted, at_least)


@router.get("/contacts/people/{person}/may-ask")
async def get_may_ask(
    person: StreamId,
    runtime: Contacts,
    at_least: AtLeast,
    question: Annotated[str, Query(min_length=1, max_length=200, pattern=NOT_BLANK)],
) -> MayAsk:
    """Whether this person was asked the same inside the window, as any of their entries (C-12)."""
    name = f"person-{person}"
    parts = [one.value.person for one in await entries(runtime, name, at_least)]
    told = [one.value for one in await statements_of(runtime, parts, at_least)]
    window = defaults_of(runtime).question_window_days
    said = all_statements(told, name)
    return may_ask(said, question, window=window, today=runtime.today)
