"""What people and systems do all day, for Locust. Rule: imports nothing of the platform's.

Read by `python -m tests.load`, which says by LOAD_CAST who takes part. Every answer that is not 2xx
is a failure: whoever asks here may ask it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import choice, random
from typing import Any, ClassVar
from uuid import uuid4

import gevent
from locust import FastHttpUser, HttpUser, between, events, task

sys.path.insert(0, str(Path(__file__).parent))
from telling import Telling

CAST: dict[str, Any] = json.loads(Path(os.environ["LOAD_CAST"]).read_text(encoding="utf-8"))
BATCH = 100
# For how long a copy is kept up before its connection is closed and opened again, seconds.
STAYS_S = 20.0
READ_S = 60.0
CHANNELS = ("call", "email", "visit", "chat")
TODAY = date.fromisoformat(CAST["today"])


@events.init.add_listener
def tell(environment: Any, **_: Any) -> None:
    Telling(environment).start()


def cause(answer: Any) -> str:
    """Return why it failed, in words that are the same each time."""
    try:
        told = json.loads(answer.text or "")
        words = [
            told["detail"],
            *(f"{e['pointer']}: {e['detail']}" for e in told.get("errors", ())),
        ]
    except (ValueError, KeyError, TypeError):
        words = [(answer.text or str(getattr(answer, "error", None) or "no answer"))[:200]]
    return f"{answer.status_code}: {'; '.join(words)}"


class Somebody:
    """One of those who take part, each as somebody else while there are enough of them."""

    _numbers: ClassVar[dict[str, count[int]]] = {}

    def on_start(self) -> None:
        kind = type(self).__name__
        there = CAST[kind]
        self.me = there[next(self._numbers.setdefault(kind, count())) % len(there)]

    def read(self, path: str, name: str, **query: Any) -> Any:
        told = "&".join(f"{key}={value}" for key, value in query.items() if value is not None)
        headers = dict(self.me["headers"])
        if (seen := getattr(self, "seen", None)) is not None:
            headers["X-At-Least"] = seen
        url = f"{path}?{told}" if told else path
        with self.client.get(url, name=name, headers=headers, catch_response=True) as answer:
            return self._judged(answer)

    def write(self, path: str, name: str, body: Any, **headers: str) -> Any:
        headers = {**self.me["headers"], **headers}
        with self.client.post(
            path, name=name, json=body, headers=headers, catch_response=True
        ) as answer:
            return self._judged(answer)

    @staticmethod
    def _judged(answer: Any) -> Any:
        if not 200 <= (answer.status_code or 0) < 300:
            answer.failure(cause(answer))
            return None
        told = answer.json()
        # A batch is answered 2xx, and each of its touches for itself.
        refused = [one for one in told.get("events", ()) if one.get("status") == "rejected"]
        if refused:
            answer.failure(f"{len(refused)} refused: {refused[0]}"[:300])
        else:
            answer.success()
        return told


class Seller(Somebody, FastHttpUser):
    """Opens the day, looks customers up, writes down what happened with them."""

    weight = 12
    wait_time = between(1, 4)

    @task(4)
    def open_the_day(self) -> None:
        who = self.me["employee"]
        short = who.removeprefix("employee-")
        week = TODAY + timedelta(days=6)
        self.read(
            f"/calendar/agendas/{short}", "/calendar/agendas/{employee}", first=TODAY, last=week
        )
        self.read("/opportunities/ranked", "/opportunities/ranked", owner=who, limit=10)
        self.read(f"/alerts/inbox/{short}", "/alerts/inbox/{employee}", limit=20)

    @task(4)
    def look_a_customer_up(self) -> None:
        company = choice(self.me["companies"])
        found = self.read("/contacts/people", "/contacts/people", company=company, limit=20)
        for one in (found or {"items": []})["items"][:1]:
            self._timeline(one["person"])

    @task(4)
    def record_a_touch(self) -> None:
        person = choice(CAST["people"])
        body = {
            "person": person,
            "employee": self.me["employee"],
            "channel": choice(CHANNELS),
            "subject": "About the offer of last week",
        }
        named = {"Idempotency-Key": str(uuid4())}
        taken = self.write("/touches?source=load", "/touches", body, **named)
        if taken is None:
            return
        # What one has just written down is what one sees.
        self.seen = taken["token"]
        self._timeline(person, "/contacts/people/{person}/timeline after a touch")
        self.seen = None

    @task(1)
    def visit_a_customer(self) -> None:
        visit = f"/contacts/visits/load-{uuid4().hex[:16]}"
        plan = {
            "on": TODAY.isoformat(),
            "executive": self.me["employee"],
            "company": choice(self.me["companies"]),
            "people": [choice(CAST["people"])],
            "purpose": "Hear what they want to change next year",
            "talking_points": ["delivery times", "the new line"],
        }
        if self.write(f"{visit}/plan", "/contacts/visits/{visit}/plan", plan) is not None:
            held = {"outcome": "They will test it", "no_follow_up_because": "all is said"}
            self.write(f"{visit}/hold", "/contacts/visits/{visit}/hold", held)

    @task(1)
    def see_how_one_does(self) -> None:
        who = self.me["employee"]
        self.read("/analytics/pipeline", "/analytics/pipeline of a seller", by="stage", seller=who)

    def _timeline(self, person: str, name: str = "/contacts/people/{person}/timeline") -> None:
        self.read(f"/contacts/people/{person.removeprefix('person-')}/timeline", name, limit=20)


class Leader(Somebody, FastHttpUser):
    """Opens the unit's reports, and the facts behind a figure of somebody."""

    weight = 3
    wait_time = between(2, 6)

    @task(3)
    def read_a_report(self) -> None:
        report = choice(("workload", "forecast", "stages", "slippage", "adoption"))
        path = f"/analytics/{report}"
        self.read(path, f"{path} of a unit", unit=self.me["unit"])

    @task(2)
    def ask_why(self) -> None:
        who = choice(self.me["team"])
        told = self.read(
            "/analytics/pipeline", "/analytics/pipeline of a seller", by="stage", seller=who
        )
        rows = (told or {"rows": []})["rows"]
        if rows:
            key = choice(rows)["id"]
            self.read("/analytics/why", "/analytics/why", by="stage", seller=who, key=key)

    @task(1)
    def read_the_day_of_somebody(self) -> None:
        who = choice(self.me["team"]).removeprefix("employee-")
        self.read(
            f"/calendar/agendas/{who}", "/calendar/agendas/{employee}", first=TODAY, last=TODAY
        )


class Executive(Somebody, FastHttpUser):
    """Reads how the whole company does, and what is behind it."""

    weight = 1
    wait_time = between(3, 8)

    @task
    def read_the_pipeline(self) -> None:
        by = choice(("stage", "region"))
        told = self.read("/analytics/pipeline", "/analytics/pipeline", by=by)
        rows = (told or {"rows": []})["rows"]
        if rows and random() < 0.5:
            key = choice(rows)["id"]
            self.read("/analytics/why", "/analytics/why", by=by, key=key)

    @task
    def read_where_time_is_lost(self) -> None:
        self.read("/analytics/losses", "/analytics/losses")


class Mailer(Somebody, FastHttpUser):
    """A mailing system: asks whom it may promote to, and publishes what it has sent."""

    weight = 2
    wait_time = between(2, 5)

    @task
    def publish_a_batch(self) -> None:
        campaign = f"load-{uuid4().hex[:8]}"
        touches = [
            {
                "id": str(uuid4()),
                "touch": {
                    "person": choice(CAST["people"]),
                    "channel": "campaign",
                    "about": "promotion",
                    "campaign": campaign,
                    "subject": "What is new",
                },
            }
            for _ in range(BATCH)
        ]
        body = {"source": "/load", "touches": touches}
        self.write("/touches/batch", f"/touches/batch of {BATCH}", body)


class Copy(Somebody, HttpUser):
    """A system with a copy of a published view: server-sent events, all there is, then changes."""

    weight = 1
    wait_time = between(1, 2)

    @task
    def follow(self) -> None:
        view = choice(("person_card", "opportunity_card"))
        began = time.perf_counter()
        answer = self.client.get(
            f"/views/{view}/changes",
            name="/views/{name}/changes, begun",
            headers=self.me["headers"],
            stream=True,
            timeout=READ_S,
        )
        if answer.status_code != 200:
            return  # Counted already.
        whole = False
        try:
            with gevent.Timeout(STAYS_S, exception=False):
                for line in answer.iter_lines():
                    if not whole and line == b"event: ready":
                        whole = True
                        self._copied(began)
        except OSError as error:
            self._copied(began, error)
        else:
            if not whole:
                self._copied(began, TimeoutError(f"no whole copy within {STAYS_S:.0f} s"))
        finally:
            answer.close()

    def _copied(self, began: float, failure: Exception | None = None) -> None:
        self.environment.events.request.fire(
            request_type="GET",
            name="/views/{name}/changes, all that was there",
            response_time=1000 * (time.perf_counter() - began),
            response_length=0,
            exception=failure,
            context={},
        )
