"""What schemathesis sends and asks beside its own: plausible days, fresh views, honest refusals."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import schemathesis
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import Case, CheckContext, GenerationMode, HookContext, Response
from schemathesis.generation.meta import TestPhase

from shared.cloudevents import BATCH
from tests.hostile.reached import noted

DESCRIPTION = Path(__file__).parents[2] / "docs" / "api" / "openapi.json"
TOUCHES = "POST /touches"

PROBLEM = "application/problem+json"
# What a rule of ours says of several fields, or of what is inside of one, and no schema could;
# nor can it say how many digits a number has.
RULES = {"value_error", "decimal_max_digits", "decimal_max_places", "decimal_whole_digits"}
# A schema takes 2.0 for an integer, and knows no bounds of a decimal that is told as text.
OF_NUMBERS = {
    "int_type": float,
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal"), str),
}
# A blank to our patterns and none to those of JSON Schema; what is released says so for ever.
NEXT_LINE = "\u0085"
# Random days are of the year 7862, and all refused alike: that is tested elsewhere.
FIRST, LAST = date(2025, 1, 1), date(2027, 12, 31)
ZONED = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001

schemathesis.openapi.format("date", st.dates(FIRST, LAST).map(str))
schemathesis.openapi.format("date-time", ZONED.map(datetime.isoformat))


def _fits(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


@schemathesis.hook
def before_call(ctx: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Ask for fresh views, first pages and any state: what is made up is refused alike.

    What is refused so is sent all the same, as what does not fit the description.
    """
    if not _fits(case):
        return
    (case.query or {}).pop("cursor", None)
    for name in list(case.headers or {}):
        if name.lower() == "x-at-least":
            case.headers[name] = os.environ["HOSTILE_TOKEN"]
        elif name.lower() == "if-match":
            case.headers[name] = "*"
        elif name.lower() == "x-actor":
            del case.headers[name]  # Who signed in is nobody else, and that is tested elsewhere.


@schemathesis.hook
def after_call(ctx: HookContext, case: Case, response: Response) -> None:
    """Note which operation answered, of which type the body was, and how."""
    with Path(os.environ["HOSTILE_REACHED"]).open("a") as file:
        file.write(noted(case.operation.label, response.status_code, case.media_type))


@schemathesis.check
def refused_by_rules_only(ctx: CheckContext, response: Response, case: Case) -> None:
    """What fits the description is never refused for not fitting."""
    # What another answer said is sent on as what only sounds alike, and need not fit.
    alone = case.meta is not None and case.meta.phase.name is not TestPhase.STATEFUL
    if not alone or not _fits(case) or response.status_code != HTTPStatus.UNPROCESSABLE_ENTITY:
        return
    codes = {
        error["code"]
        for error in response.json().get("errors", ())
        if error.get("code") is not None
        and not isinstance(_at(case.body, error["pointer"]), OF_NUMBERS.get(error["code"], ()))
        and NEXT_LINE not in str(_at(case.body, error["pointer"]))
    }
    assert codes <= RULES, f"fits its description and is refused as {sorted(codes - RULES)}"


@schemathesis.check
def touches_that_do_not_fit_are_refused(ctx: CheckContext, response: Response, case: Case) -> None:
    """Of a batch each has an answer of its own; none that does not fit is taken."""
    if case.operation.label != TOUCHES or response.status_code != HTTPStatus.ACCEPTED:
        return
    if case.media_type != BATCH:
        assert _described(case.media_type).is_valid(case.body), "it does not fit and is taken"
        return
    events, told = case.body, response.json()["events"]
    assert len(told) == len(events), "not each event has an answer"
    for event, one in zip(events, told, strict=True):
        fits = _described(BATCH).is_valid([event])
        assert fits or one["status"] == "rejected", f"it does not fit and is {one['status']}"


@cache
def _described(media: str | None) -> Draft202012Validator:
    """Return what the description says of a body of that type."""
    described = orjson.loads(DESCRIPTION.read_bytes())
    content = described["paths"]["/touches"]["post"]["requestBody"]["content"]
    return Draft202012Validator({**described, **content[media]["schema"]})


def _at(body: Any, pointer: str) -> Any:
    """Return what a body says at a JSON pointer; None: nothing, or it was no part of the body."""
    where, *steps = pointer.split("/")
    for step in steps if where == "#" else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, list) and name.isdecimal() and int(name) < len(body):
            body = body[int(name)]
        elif isinstance(body, dict):
            body = body.get(name)
        else:
            return None
    return body if where == "#" else None


@schemathesis.check
def problems_say_what_is_wrong(ctx: CheckContext, response: Response, case: Case) -> None:
    """A refusal is a problem (RFC 9457) in words, with the name under which our logs tell of it."""
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return
    kinds = response.headers.get("content-type", [])
    assert kinds == [PROBLEM], f"refused as {kinds}"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == response.status_code
    assert problem["detail"], "it does not say what was wrong"
    assert problem["correlation_id"] == response.headers["x-correlation-id"][0]
    if response.status_code == HTTPStatus.NOT_FOUND:
        assert problem.get("errors"), "it does not name what is not there"
    for error in problem.get("errors", ()):
        assert error["pointer"], "it does not name the field"
        assert error["detail"], "it does not name the cause"
