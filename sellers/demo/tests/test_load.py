from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from sellers.client import Api
from sellers.demo.generator import demo_company
from sellers.demo.load import DemoError, hand_over_what_is_left, load_demo
from sellers.importing import wait_until_folded
from sellers.importing.tests.served import Served, serving

END = date(2026, 11, 23)
TOPICS = (
    "organization",
    "contacts",
    "opportunities",
    "issues",
    "calendar",
    "analytics",
    "touches",
)


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def api(served: Served) -> Iterator[Api]:
    with serving(served) as client:
        yield client


def written(served: Served) -> dict[str, int]:
    return {topic: served.facts(topic) for topic in TOPICS}


def load(api: Api, size: int = 2) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    load_demo(api, 7, size, END, lambda done, total: seen.append((done, total)))
    wait_until_folded(api)
    # What policies made of it is recorded while it is folded, and waited for, too.
    wait_until_folded(api)
    return seen


def test_it_is_loaded_once_however_often_it_is_loaded(served: Served, api: Api) -> None:
    seen = load(api)
    items = len(list(demo_company(7, 2, END)))
    assert seen[-1] == (items, items)
    assert seen == sorted(seen)
    first = written(served)
    assert sum(first.values()) >= items
    assert load(api)[-1] == (items, items)
    again = written(served)
    assert {t: n for t, n in again.items() if t != "touches"} == {
        t: n for t, n in first.items() if t != "touches"
    }
    # Decided facts are journaled; a touch may be sent again, and is the same touch.
    people = api.get("/contacts/people", {"limit": 200})["items"]
    touches = sum(person["touch_count"] for person in people)
    assert touches == sum(item.domain == "touches" for item in demo_company(7, 2, END))


class StoppedError(Exception):
    pass


def test_a_load_that_was_cut_off_goes_on(served: Served, api: Api) -> None:
    def cut_off(done: int, total: int) -> None:
        if done * 2 > total:
            raise StoppedError

    with pytest.raises(StoppedError):
        load_demo(api, 7, 2, END, cut_off)
    load(api)
    whole = Served()
    with serving(whole) as other:
        load(other)
    decided = [topic for topic in TOPICS if topic != "touches"]
    assert [served.facts(t) for t in decided] == [whole.facts(t) for t in decided]


def test_who_has_left_hands_over_what_is_left(api: Api) -> None:
    load(api, 15)
    cards = api.get("/organization/handovers", {"limit": 200})["items"]
    left = [card["employee"] for card in cards]
    assert left

    def theirs() -> list[str]:
        where = {"is_open": True, "limit": 200}
        pages = [api.get("/organization/owned-items", {"owner": one, **where}) for one in left]
        return [item["item"] for page in pages for item in page["items"]]

    assert theirs()
    for _ in range(2):
        assert hand_over_what_is_left(api) == len(left)
        wait_until_folded(api)
        wait_until_folded(api)
        assert theirs() == []
    moves = [card["moves"] for card in api.get("/organization/handovers")["items"]]
    assert all(len(once) <= 1 for once in moves)
    assert any(moves)


def test_what_is_refused_is_named(api: Api) -> None:
    first = next(item for item in demo_company(7, 1, END) if item.type == "join")
    employee = first.stream.removeprefix("employee-")
    api.post(f"/organization/employees/{employee}/join", {"name": "Somebody else"})
    with pytest.raises(DemoError, match=f"join of {first.stream} was refused"):
        load_demo(api, 7, 1, END)
