"""HTTP for touches: what already happened is taken in and never refused for business reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query
from fastapi.encoders import jsonable_encoder
from pydantic import Field

from services.contacts.consents import NoConsent
from services.contacts.fatigue import Earlier, Noted, noted
from services.contacts.reads import Contacts
from services.contacts.touch_events_api import AS_EVENTS, TouchRoute
from services.contacts.touches import NewTouch, Sent, take_in
from shared.command import Command
from shared.errors import CommandReusedError, InvalidError
from shared.observability import TOUCHES
from shared.reading import Token
from shared.web import KEY, BatchMeta, CommandMeta, Recorded, refusal
from shared.web.router import Router

router = Router(tags=["contacts"], route_class=TouchRoute)
TOUCHES_MAX = 1_000
Source = Annotated[str, Field(min_length=1, max_length=200)]


class RecordedTouch(Recorded):
    """It is recorded. A promotion: also that the same came lately, or that nobody agreed to it."""

    repeats: Earlier | None = None
    no_consent: NoConsent | None = None


@router.post("/touches", status_code=202, openapi_extra=AS_EVENTS)
async def record_touch(
    touch: NewTouch,
    runtime: Contacts,
    meta: CommandMeta,
    source: Annotated[Source, Query()] = "api",
) -> RecordedTouch:
    """Record one touch. Its `Idempotency-Key` is required: sent again it is the same touch.

    Or publish touches as CloudEvents 1.0, in structured, binary or batched mode: then each event's
    (source, id) is its name, and of a batch each event is taken or refused for itself.
    """
    if meta.id is None:
        raise InvalidError(
            "a touch needs an id of its own, so that sending it again is no second touch",
            field="Idempotency-Key",
        )
    sent = [Sent(touch, source, meta.id)]
    (note,) = await noted(runtime, sent)
    (fact,) = await take_in(
        runtime,
        sent,
        actor=meta.actor,
        correlation_id=meta.correlation_id,
        traceparent=meta.traceparent,
    )
    TOUCHES.labels("accepted").inc()
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


class TouchBatch(Command):
    """Touches of one source."""

    source: Source
    touches: tuple[TouchItem, ...]


@router.post("/touches/batch", status_code=202)
async def record_touches(batch: TouchBatch, runtime: Contacts, meta: BatchMeta) -> dict[str, Any]:
    """Record up to 1,000 touches; those that were recorded before stay as they are.

    What says the same under the same id again within the batch is a `duplicate`; sent again in
    another request it is accepted, and counts once all the same. What says something else under an
    id of this batch is refused: under that id it would be lost. `noted`: promotions that came too
    soon again, or to which nobody had agreed; they are recorded all the same.
    """
    if len(batch.touches) > TOUCHES_MAX:
        raise InvalidError(f"at most {TOUCHES_MAX} touches", field="#/touches")
    once: dict[str, NewTouch] = {}
    for item in batch.touches:
        once.setdefault(item.id, item.touch)
    refused = list(_refused(batch, once))
    sent = [Sent(touch, batch.source, name) for name, touch in once.items()]
    notes = await noted(runtime, sent)
    facts = await take_in(
        runtime,
        sent,
        actor=meta.actor,
        correlation_id=meta.correlation_id,
        traceparent=meta.traceparent,
    )
    TOUCHES.labels("accepted").inc(len(facts))
    TOUCHES.labels("refused").inc(len(refused))
    duplicates = len(batch.touches) - len(facts) - len(refused)
    told = [
        {"id": one.publisher_id, **jsonable_encoder(asdict(note), exclude_none=True)}
        for one, note in zip(sent, notes, strict=True)
        if note != Noted()
    ]
    return {
        "accepted": len(facts),
        "duplicates": duplicates,
        "refused": refused,
        "noted": told,
    }


def _refused(batch: TouchBatch, once: dict[str, NewTouch]) -> Iterator[dict[str, Any]]:
    for place, item in enumerate(batch.touches):
        if item.touch != once[item.id]:
            problem = CommandReusedError(
                f"{item.id!r} is the id of another touch of this batch",
                field=f"#/touches/{place}/id",
            )
            yield {"id": item.id, "problem": refusal(problem)}
