"""HTTP for touches: what already happened is taken in and never refused for business reasons."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field, GetJsonSchemaHandler, ValidationError

from services.contacts.consents import NoConsent
from services.contacts.fatigue import Earlier
from services.contacts.reads import Contacts
from services.contacts.touch_events import Read
from services.contacts.touch_events_api import AS_EVENTS, TouchRoute
from services.contacts.touch_outcomes import (
    TouchOutcome,
    TouchOutcomes,
    answered,
    outcomes,
    recorded,
)
from services.contacts.touches import NewTouch, Sent
from shared.cloudevents import EVENTS_MAX, SOURCE_MAX
from shared.command import Command
from shared.errors import DomainError, InvalidError, TooLargeError
from shared.exact import NOT_BLANK
from shared.observability import TOUCHES
from shared.reading import Token
from shared.web import KEY, BatchMeta, CommandMeta, Recorded, invalid
from shared.web.described import refused
from shared.web.router import Router

ID_MAX = 200

router = Router(tags=["contacts"], route_class=TouchRoute)
Source = Annotated[str, Field(min_length=1, max_length=SOURCE_MAX, pattern=NOT_BLANK)]


class RecordedTouch(Recorded):
    """It is recorded. A promotion: also that the same came lately, or that nobody agreed to it."""

    repeats: Earlier | None = None
    no_consent: NoConsent | None = None


@router.post(
    "/touches",
    status_code=202,
    openapi_extra=AS_EVENTS,
    response_model=RecordedTouch | TouchOutcome | TouchOutcomes,
    responses=refused(
        {
            413: "More than 1,000 events, or 5 MB, or a touch that fits into no record of the log.",
            415: "The body is of a type that is not read here.",
        }
    ),
)
async def record_touch(
    touch: NewTouch,
    runtime: Contacts,
    meta: CommandMeta,
    source: Annotated[Source, Query()] = "api",
) -> RecordedTouch:
    """Record one touch. Its `Idempotency-Key` is required: sent again it is the same touch.

    Or publish touches as CloudEvents 1.0, in structured, binary or batched mode: then each event's
    (source, id) is its name, and of a batch each event is taken or rejected for itself. The answer
    is `RecordedTouch` to plain JSON, `TouchOutcome` to one event, `TouchOutcomes` to a batch.
    """
    if meta.id is None:
        raise InvalidError(
            "a touch needs an id of its own, so that sending it again is no second touch",
            field="Idempotency-Key",
        )
    (became,) = await recorded(runtime, [Sent(touch, source, meta.id)], meta)
    if isinstance(became, DomainError):
        TOUCHES.labels("refused").inc()
        raise became
    made, note = became
    fact = made.fact
    return RecordedTouch(
        stream=fact.stream,
        version=1,
        recorded=1,
        duplicate=False,
        token=Token(fact.stream, 1).encode(),
        repeats=note.repeats,
        no_consent=note.no_consent,
    )


class TouchItem(Command):
    """A touch of a batch, with the id that an `Idempotency-Key` would tell."""

    id: Annotated[str, Field(pattern=rf"^{KEY}$")]
    touch: NewTouch


class ReadLater:
    """Described as what it should be; each is read for itself."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: Any, handler: GetJsonSchemaHandler) -> Any:
        items = handler(TouchItem.__pydantic_core_schema__)
        return {"type": "array", "items": items, "maxItems": EVENTS_MAX}


class TouchBatch(Command):
    """Touches of one source, 1,000 at most."""

    source: Source
    touches: Annotated[list[Any], ReadLater]


@router.post(
    "/touches/batch",
    status_code=202,
    response_model=TouchOutcomes,
    responses=refused({413: "More than 1,000 touches, or 5 MB."}),
)
async def record_touches(batch: TouchBatch, runtime: Contacts, meta: BatchMeta) -> Response:
    """Record up to 1,000 touches of one source, each for itself; (source, id) is its name.

    `accepted`: recorded for good. `duplicate`: sent before, or twice in this batch. `rejected`: its
    problem says why, also where it says something else under an id of this batch: under that id it
    would be lost. `repeats`, `no_consent`: a promotion that came too soon again, or to which nobody
    had agreed; it is recorded all the same.
    """
    if len(batch.touches) > EVENTS_MAX:
        raise TooLargeError(f"a batch has {EVENTS_MAX} touches at most", field="#/touches")
    read = [
        _read(batch.source, item, f"#/touches/{place}") for place, item in enumerate(batch.touches)
    ]
    return answered(await outcomes(runtime, read, meta))


def _read(source: str, item: Any, at: str) -> Read:
    """Read one touch of a batch; `at` points at it within the body."""
    told = item.get("id") if isinstance(item, dict) else None
    # What is no id is not told back: it may be no text that can be written, or without end.
    name = told if isinstance(told, str) and told.isprintable() and len(told) <= ID_MAX else None
    try:
        read = TouchItem.model_validate(item)
    except ValidationError as error:
        return Read(name, source, at, problem=invalid(error, at))
    return Read(name, source, at, Sent(read.touch, source, read.id, f"{at}/touch/occurred_at"))
