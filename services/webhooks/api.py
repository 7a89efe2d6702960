"""HTTP for webhooks: a POST records, a GET reads one view or what was tried. Never both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from services.webhooks.kept import LIVE, Attempt, Outcome, attempts_of, cursors_of
from services.webhooks.keys import keys_of, newest_key
from services.webhooks.model import (
    ChooseFacts,
    ChooseWords,
    Disable,
    Enable,
    Move,
    Register,
    Remove,
    Replay,
    RotateSecret,
    SkipFact,
)
from services.webhooks.projections import WebhookCard, webhook_card
from services.webhooks.sending import offsets, replays_of, signing
from services.webhooks.signing import shown
from services.webhooks.wants import topics_of
from shared.exports import note_columns
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    cursor_of,
    key_of,
    page,
    record,
    runtime_of,
    seen,
)
from shared.web.router import Router

router = Router(prefix="/webhooks", tags=["webhooks"])
Webhooks = Annotated[Runtime, Depends(runtime_of("webhooks"))]


class WithSecret(Recorded):
    """The command is recorded; `secret` is shown here and nowhere else. Lost, it is rotated."""

    secret: str


@dataclass(frozen=True, slots=True)
class Reached:
    """How far deliveries are on one partition: `behind` counts what is to be delivered yet."""

    run: str
    partition: str
    offset: int
    end: int
    behind: int
    attempts: int = 0
    next_at: datetime | None = None
    said: str | None = None


@router.post("/{webhook}/register", status_code=202)
async def register(
    webhook: StreamId, command: Register, runtime: Webhooks, meta: CommandMeta, response: Response
) -> WithSecret:
    """Be told of facts at an address, signed with the secret that this answers."""
    done = await record(runtime, f"webhook-{webhook}", command, meta, response)
    return _with_secret(runtime, done)


@router.post("/{webhook}/rotate-secret", status_code=202)
async def rotate_secret(
    webhook: StreamId,
    command: RotateSecret,
    runtime: Webhooks,
    meta: CommandMeta,
    response: Response,
) -> WithSecret:
    """Make another secret. For a while deliveries carry the signatures of both."""
    done = await record(runtime, f"webhook-{webhook}", command, meta, response)
    return _with_secret(runtime, done)


def _with_secret(runtime: Runtime, done: Recorded) -> WithSecret:
    secret = shown(newest_key(runtime.settings).secret_of(done.stream, done.version))
    return WithSecret(**done.model_dump(), secret=secret)


@router.post("/{webhook}/choose-facts", status_code=202)
async def choose_facts(
    webhook: StreamId,
    command: ChooseFacts,
    runtime: Webhooks,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Be told of other facts from now on."""
    return await record(runtime, f"webhook-{webhook}", command, meta, response)


@router.post("/{webhook}/move", status_code=202)
async def move(
    webhook: StreamId, command: Move, runtime: Webhooks, meta: CommandMeta, response: Response
) -> Recorded:
    """Be told at another address, from where deliveries are."""
    return await record(runtime, f"webhook-{webhook}", command, meta, response)


@router.post("/{webhook}/choose-words", status_code=202)
async def choose_words(
    webhook: StreamId,
    command: ChooseWords,
    runtime: Webhooks,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Deliver words about people opened at this address, or sealed again. Moved, it is sealed."""
    return await record(runtime, f"webhook-{webhook}", command, meta, response)


@router.post("/{webhook}/disable", status_code=202)
async def disable(
    webhook: StreamId, command: Disable, runtime: Webhooks, meta: CommandMeta, response: Response
) -> Recorded:
    """Deliver nothing until it is enabled again."""
    return await record(runtime, f"webhook-{webhook}", command, meta, response)


@router.post("/{webhook}/enable", status_code=202)
async def enable(
    webhook: StreamId, command: Enable, runtime: Webhooks, meta: CommandMeta, response: Response
) -> Recorded:
    """Go on where deliveries stopped: all that was recorded meanwhile is delivered."""
    return await record(runtime, f"webhook-{webhook}", command, meta, response)


@router.post("/{webhook}/skip-fact", status_code=202)
async def skip_fact(
    webhook: StreamId, command: SkipFact, runtime: Webhooks, meta: CommandMeta, response: Response
) -> Recorded:
    """Leave out the one fact at which it was disabled."""
    return await record(runtime, f"webhook-{webhook}", command, meta, response)


@router.post("/{webhook}/replay", status_code=202)
async def replay(
    webhook: StreamId, command: Replay, runtime: Webhooks, meta: CommandMeta, response: Response
) -> Recorded:
    """Deliver a range once more, beside what is delivered live."""
    return await record(runtime, f"webhook-{webhook}", command, meta, response)


@router.post("/{webhook}/remove", status_code=202)
async def remove(
    webhook: StreamId, command: Remove, runtime: Webhooks, meta: CommandMeta, response: Response
) -> Recorded:
    """Be told of nothing any more."""
    return await record(runtime, f"webhook-{webhook}", command, meta, response)


@router.get("/{webhook}/deliveries")
async def list_deliveries(
    webhook: StreamId,
    runtime: Webhooks,
    wanted: PageWanted,
    outcome: Annotated[Outcome | None, Query()] = None,
    fact: Annotated[str | None, Query(max_length=500)] = None,
) -> dict[str, Any]:
    """What was tried, the newest first: of which fact, as which attempt, and what they said."""
    stream = f"webhook-{webhook}"
    mark = f"deliveries {stream} {outcome} {fact}"
    before = None if wanted.cursor is None else key_of(wanted.cursor, mark)
    note_columns(Attempt)
    found = await attempts_of(
        runtime.store, stream, limit=wanted.limit + 1, before=before, outcome=outcome, fact=fact
    )
    items = found[: wanted.limit]
    more = len(found) > len(items)
    return {"items": items, "next_cursor": cursor_of(items[-1].attempt, mark) if more else None}


@router.get("/{webhook}/progress")
async def progress(
    webhook: StreamId, runtime: Webhooks, at_least: AtLeast, request: Request, response: Response
) -> dict[str, Any]:
    """How far deliveries are on each partition, and what holds them up."""
    found = await runtime.reader(webhook_card).get(f"webhook-{webhook}", at_least)
    card: WebhookCard = seen(found, "webhook", request, response)
    del response.headers["ETag"]  # It is the view's, and this says more than the view.
    topics = topics_of(card.wants)
    ends = {p: end for topic in topics for p, end in (await runtime.log.ends(topic)).items()}
    begins, cursors = offsets(card.begins), await cursors_of(runtime.store, card.webhook)
    ranges = [(LIVE, p, begins.get(p, 0), end) for p, end in sorted(ends.items())]
    ranges += [(one.run, one.partition, one.start, one.stop or 0) for one in replays_of(card)]
    items = []
    for run, partition, start, end in ranges:
        name = f"{partition.topic}/{partition.number}"
        cursor = cursors.get(f"{run}/{name}")
        offset = start if cursor is None else max(start, cursor.offset)
        items.append(Reached(run, name, offset, end, max(0, end - offset)))
        if cursor is not None and cursor.enabling == card.enablings:
            items[-1] = Reached(
                run,
                name,
                offset,
                end,
                max(0, end - offset),
                cursor.attempts,
                cursor.next_at,
                cursor.said,
            )
    keys = {key.name: key for key in keys_of(runtime.settings)}
    unsigned = None if signing(card, keys) else "its key is not here: SELLERS_WEBHOOK_KEYS"
    return {"items": items, "behind": sum(one.behind for one in items), "unsigned": unsigned}


@router.get("/{webhook}")
async def get_webhook(
    webhook: StreamId, runtime: Webhooks, at_least: AtLeast, request: Request, response: Response
) -> WebhookCard:
    found = await runtime.reader(webhook_card).get(f"webhook-{webhook}", at_least)
    card: WebhookCard = seen(found, "webhook", request, response)
    return card


@router.get("")
async def list_webhooks(
    runtime: Webhooks, wanted: PageWanted, at_least: AtLeast, *, enabled: bool | None = None
) -> dict[str, Any]:
    return await page(runtime.reader(webhook_card), {"enabled": enabled}, wanted, at_least)
