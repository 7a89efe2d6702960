"""Commands that take a while: they ask for something and show how far it is until it is done."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from sellers.client import ApiError
from sellers.console import progress_bar, waiting
from sellers.errors import CommandError
from sellers.report import rows_of
from shared.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from sellers.client import Api

POLL_S = 0.1
PATH_S_MAX, REPEATED_S_MAX = 15.0, 3.0
NOT_FOUND = 404
PERSON = "person-somebody"


def touch(api: Api, told: dict[str, Any], touch_id: str | None, err: Console, out: Console) -> None:
    """Send a touch and print where it went; a view that has not folded it is waited for."""
    given = {name: value for name, value in told.items() if value is not None}
    if "person" not in given:
        given["person"] = known_person(api)
    began = time.monotonic()
    name = touch_id or SystemClock().new_id()
    before = touches_by_day(api)
    sent = api.post("/touches?source=cli", given, headers={"idempotency-key": name})
    seconds = time.monotonic() - began
    tree = Tree(Text(f"touch {given['channel']} with {given['person']}: {given.get('subject')}"))
    tree.add(Text(f"event     {sent['stream']} (id {name}), recorded in {seconds * 1000:.0f} ms"))
    with waiting(err, "waiting until every view has folded it"):
        known = reached(api, sent["stream"])
        trace = known or until(lambda: reached(api, sent["stream"]))
    if trace is None:
        tree.add(Text("position  not in the log yet: it is recorded, and published later"))
        out.print(tree)
        return
    for found in trace["facts"]:
        tree.add(Text(f"position  {found['position']}"))
    for view in trace["views"]:
        place = f"{view['domain']}.{view['collection']}"
        folded = "" if view["folded_version"] else "  (not folded yet)"
        tree.add(Text(f"view      {place}: {', '.join(view['keys'])}{folded}"))
    with waiting(err, "waiting for the figures"):
        # An id of its own that all views knew at once was most likely sent before: no figure grows.
        repeated = touch_id is not None and known is not None
        patience_s = REPEATED_S_MAX if repeated else PATH_S_MAX
        tree.add(Text(f"figure    {figure(api, before, patience_s)}"))
    out.print(tree)


def known_person(api: Api) -> str:
    """Return somebody we know; a touch may also be with somebody we do not know."""
    people = api.get("/contacts/people", {"limit": 1})["items"]
    return str(people[0]["person"]) if people else PERSON


def reached(api: Api, stream: str) -> dict[str, Any] | None:
    """Return the trace when all views have folded the stream, None before."""
    try:
        trace: dict[str, Any] = api.get(f"/trace/{stream}")
    except ApiError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    return trace if all(view["folded_version"] for view in trace["views"]) else None


def touches_by_day(api: Api) -> dict[str, int]:
    """Return the touches of these days: which of them is today, only the company's zone says."""
    today = SystemClock().now().date()
    around = {"first": today - timedelta(days=1), "last": today + timedelta(days=1)}
    days = {name: day.isoformat() for name, day in around.items()}
    rows = rows_of(api.get("/analytics/touches", {"by": "day", **days}))
    return {row["key"]: row["touches"] for row in rows}


def figure(api: Api, before: dict[str, int], patience_s: float) -> str:
    """Return the day that has more touches than before."""

    def grown() -> tuple[str, int] | None:
        counts = touches_by_day(api).items()
        return next(((day, n) for day, n in counts if n > before.get(day, 0)), None)

    found = until(grown, patience_s)
    if found is None:
        return "touches by day: as before (the same touch counts once)"
    day, after = found
    return f"touches on {day}: {before.get(day, 0):,} -> {after:,}"


def until(found: Callable[[], Any], patience_s: float = PATH_S_MAX) -> Any:
    """Ask until there is an answer, or for as long as anybody would look at a screen."""
    deadline = time.monotonic() + patience_s
    while (answer := found()) is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return answer


def rebuild(api: Api, view: str, err: Console, out: Console) -> None:
    """Start a rebuild and stay until queries read it."""
    collection = api.post(f"/views/{view}/rebuild")["collection"]
    with progress_bar(err, f"rebuilding {view}") as progress:
        while True:
            found = next(v for v in api.get("/views")["views"] if v["name"] == view)
            if found["collection"] == collection:
                break
            building = found["building"]
            if building is not None:
                progress(min(building["folded"], building["written"]), building["written"])
            time.sleep(POLL_S)
    out.print(f"{view} is read from {collection} now")


def verify(api: Api, err: Console, out: Console) -> bool:
    """Show every check as it is done; return whether all is equal."""
    verdict: dict[str, Any] | None = None
    with waiting(err, "folding the log again"):
        for line in api.lines("/verify"):
            if "equal" in line:
                verdict = line
                break
            told = f"{line['name']}: {line['checked']:,} checked"
            differing = len(line["differences"])
            err.print(Text(told + (f", {differing} differ" if differing else "")))
    if verdict is None:
        raise CommandError("the verification broke off; see the node's log")
    for difference in verdict["differences"]:
        out.print(Text(f"differs: {difference}"))
    out.print("equal" if verdict["equal"] else "not equal")
    return bool(verdict["equal"])


def apply_topics(url: str | None, err: Console, out: Console) -> None:
    """Create the topics that the log lacks, and say which."""
    from sellers import topics  # noqa: PLC0415 - no other command speaks Kafka

    settings = topics.settings_of(url)
    with waiting(err, f"comparing topics with the log at {settings.kafka}"):
        made = topics.apply_topics(settings)
    told = f"created: {', '.join(made)}" if made else "nothing is missing"
    out.print(Text(f"{told} in the log at {settings.kafka}"))
