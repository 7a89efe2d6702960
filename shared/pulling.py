"""`GET /events`: the facts of the log for who pulls them, as CloudEvents in JSON batches."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from shared.errors import InvalidError
from shared.feed import Feed, Place
from shared.topics import declared_topics
from shared.web import Runtimes
from shared.web.router import Router

BATCH_TYPE = "application/cloudevents-batch+json"
LIMIT_MAX = 1_000
WAIT_S_MAX = 20.0
# 256 partitions of each topic would still fit.
TOKEN_MAX = 32_000

router = Router(tags=["subscriptions"])


def fact_topics() -> tuple[str, ...]:
    """Return the topics that hold facts, which are those that are kept for ever."""
    return tuple(sorted(topic.name for topic in declared_topics() if topic.cleanup == "keep"))


def _chosen(named: list[str]) -> tuple[str, ...]:
    known = fact_topics()
    for name in named:
        if name.startswith("views."):
            view = name.removeprefix("views.")
            raise InvalidError(
                f"{name} is no topic of facts: /views/{view}/changes", field="query/topic"
            )
        if name not in known:
            told = f"no topic {name!r}; there are {', '.join(known)}"
            raise InvalidError(told, field="query/topic")
    return tuple(sorted(set(named))) or known


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {
            "description": "A batch of facts; `Link` and `X-After` say how to go on.",
            "content": {BATCH_TYPE: {"schema": {"type": "array", "items": {"type": "object"}}}},
        },
        410: {"description": "The log does not hold what the token says was given."},
    },
)
async def events(
    request: Request,
    runtimes: Runtimes,
    after: Annotated[str | None, Query(max_length=TOKEN_MAX)] = None,
    topic: Annotated[list[str] | None, Query(max_length=50)] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 200,
    wait: Annotated[float, Query(ge=0, le=WAIT_S_MAX, allow_inf_nan=False)] = 0.0,
) -> Response:
    """Pull the facts of the log, from the first one or from behind the token `after`.

    Every record comes once, those of one stream in order. `X-After` is the next token, `Link` the
    next address; `X-Behind` counts the records that are there already. Where none is, the answer
    waits up to `wait` seconds for one, and may be empty: its token is as good as any.
    """
    place = Place() if after is None else Place.decode(after)
    runtime = next(iter(runtimes.values()))
    feed: Feed = request.app.state.feeds.setdefault("facts", Feed(runtime.log))
    page = await feed.pull(
        _chosen(topic or []), place, limit=limit, wait_s=wait, gone=request.is_disconnected
    )
    events = await runtime.seals.opened_json(page.events)
    token = page.place.encode()
    asked = [(name, said) for name, said in request.query_params.multi_items() if name != "after"]
    headers = {
        "Link": f'<?{urlencode([*asked, ("after", token)])}>; rel="next"',
        "X-After": token,
        "X-Behind": str(page.behind),
        "Cache-Control": "no-store",
    }
    return Response(b"[" + b",".join(events) + b"]", headers=headers, media_type=BATCH_TYPE)
