"""What became of each touch that was sent: recorded, known before, or rejected with a problem.

However many come in one request, and in whatever mode, each is taken or rejected for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal, NotRequired

import orjson
from fastapi import Response
from pydantic import BaseModel, Field, WithJsonSchema
from typing_extensions import TypedDict

from services.contacts.consents import NoConsent
from services.contacts.fatigue import Earlier, Noted, noted
from services.contacts.timelines import timeline
from services.contacts.touch_events import Read
from services.contacts.touches import Made, Sent, folded, keep, made_of
from shared.errors import CommandReusedError, DomainError
from shared.observability import TOUCHES
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import Meta, refusal
from shared.web.described import SCHEMA as PROBLEM


class TouchOutcome(TypedDict):
    """What became of one touch; `id` and `source` are its publisher's, where they can be read."""

    id: str | None
    source: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    stream: NotRequired[str]
    token: NotRequired[Annotated[str, Field(description="for `X-At-Least`")]]
    repeats: NotRequired[Earlier]
    no_consent: NotRequired[NoConsent]
    problem: NotRequired[Annotated[dict[str, Any], WithJsonSchema(PROBLEM)]]


class TouchOutcomes(BaseModel):
    """What became of each touch of a request, in the order in which they came."""

    accepted: int
    duplicates: int
    rejected: int
    repeated: int = Field(description="promotions that the person got lately")
    without_consent: int = Field(description="promotions that the person did not agree to")
    events: list[TouchOutcome]


Recorded = tuple[Made, Noted]


async def recorded(
    runtime: Runtime, touches: Sequence[Sent], meta: Meta
) -> list[Recorded | DomainError]:
    """Record each touch that can be, with what its publisher is to be told of it.

    Raises:
        UnavailableError: none is acknowledged; sent again with the same ids they count once.

    """
    made = await made_of(
        runtime,
        touches,
        actor=meta.actor,
        correlation_id=meta.correlation_id,
        traceparent=meta.traceparent,
    )
    ready = [one for one in made if isinstance(one, Made)]
    fit = [sent for sent, one in zip(touches, made, strict=True) if isinstance(one, Made)]
    # Before they are recorded: what is folded already would repeat itself.
    notes = iter(await noted(runtime, fit))
    await keep(runtime, ready)
    TOUCHES.labels("accepted").inc(len(ready))
    return [(one, next(notes)) if isinstance(one, Made) else one for one in made]


async def outcomes(runtime: Runtime, read: Sequence[Read], meta: Meta) -> list[TouchOutcome]:
    """Record what can be recorded, and say of each what became of it."""
    named = [(one, None if one.sent is None else one.sent.stream) for one in read]
    once: dict[str, Sent] = {}
    for one, stream in named:
        if one.sent is not None and stream is not None:
            once.setdefault(stream, one.sent)
    seen = await folded(runtime, timeline, list(once))
    new = {stream: sent for stream, sent in once.items() if stream not in seen}
    became = dict(zip(new, await recorded(runtime, list(new.values()), meta), strict=True))
    told = []
    for one, stream in named:
        if stream is None:
            told.append(_rejected(one, one.problem or {}))
        elif one.sent is not once[stream] and one.sent != once[stream]:
            other = "the id of another touch of this request"
            told.append(_refused(one, CommandReusedError(other, field=f"{one.at}/id")))
        else:
            told.append(_outcome(one, stream, None if stream in seen else became[stream]))
            if told[-1]["status"] == "accepted":
                seen.add(stream)
    TOUCHES.labels("refused").inc(sum(one["status"] == "rejected" for one in told))
    return told


def _outcome(one: Read, stream: str, became: Recorded | DomainError | None) -> TouchOutcome:
    """Say what became of a touch; None: it was recorded before."""
    if isinstance(became, DomainError):
        return _refused(one, became)
    outcome = TouchOutcome(
        id=one.id,
        source=one.source,
        status="duplicate" if became is None else "accepted",
        stream=stream,
        token=Token(stream, 1).encode(),
    )
    if became is not None:
        _, note = became
        if note.repeats is not None:
            outcome["repeats"] = note.repeats
        if note.no_consent is not None:
            outcome["no_consent"] = note.no_consent
    return outcome


def _refused(one: Read, error: DomainError) -> TouchOutcome:
    problem = refusal(error)
    # Whatever has no field of its own is wrong with the touch as a whole.
    problem.setdefault("errors", [{"pointer": one.at, "detail": str(error)}])
    return _rejected(one, problem)


def _rejected(one: Read, problem: dict[str, Any]) -> TouchOutcome:
    return TouchOutcome(id=one.id, source=one.source, status="rejected", problem=problem)


def answered(told: TouchOutcome | Sequence[TouchOutcome]) -> Response:
    """Answer what became of one touch, or of each of several and how many there are of each."""
    if not isinstance(told, dict):
        statuses = Counter(one["status"] for one in told)
        counts = {
            "accepted": statuses["accepted"],
            "duplicates": statuses["duplicate"],
            "rejected": statuses["rejected"],
            "repeated": sum("repeats" in one for one in told),
            "without_consent": sum("no_consent" in one for one in told),
        }
        return _written(counts | {"events": told})
    return _written(told)


def _written(told: Any) -> Response:
    body = orjson.dumps(told, _note, orjson.OPT_PASSTHROUGH_DATACLASS)
    return Response(body, 202, media_type="application/json")


def _note(value: Earlier | NoConsent) -> dict[str, Any]:
    """Return of a note what there is to say."""
    return {name: said for name, said in asdict(value).items() if said is not None}
