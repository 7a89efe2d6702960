"""Where somebody was on a day, whatever our organisation's units were told about each other."""

from __future__ import annotations

from datetime import date

from services.analytics.projections import Held, OrgNode
from services.analytics.tree import Organization, Place
from shared.events.organization import UnitKind

KIM = "employee-kim"
DAY, DAY_BEFORE = date(2026, 4, 1), date(2026, 3, 31)


def node(
    stream: str, under: str | None = None, led_by: str | None = None, kind: UnitKind | None = None
) -> OrgNode:
    return OrgNode(
        stream,
        kind=kind,
        under=() if under is None else (Held(under, None),),
        managers=() if led_by is None else (Held(led_by, None),),
    )


def organization(*nodes: OrgNode) -> Organization:
    return Organization({each.node: each for each in nodes})


def test_the_nearest_manager_is_the_one() -> None:
    ours = organization(
        node(KIM, "unit-red"),
        node("unit-red", "unit-east", "employee-han", kind="team"),
        node("unit-east", None, "employee-oh", kind="division"),
    )
    assert ours.place(KIM, DAY) == Place("unit-red", "unit-east", None, "employee-han")


def test_a_team_that_nobody_leads_has_its_divisions_manager() -> None:
    ours = organization(
        node(KIM, "unit-red"),
        node("unit-red", "unit-east", kind="team"),
        node("unit-east", None, "employee-oh", kind="division"),
    )
    assert ours.place(KIM, DAY).manager == "employee-oh"


def test_a_unit_of_unstated_kind_is_the_team_of_whoever_works_in_it_alone() -> None:
    ours = organization(node(KIM, "unit-a"), node("unit-a", "unit-b"), node("unit-b"))
    assert ours.place(KIM, DAY) == Place(team="unit-a")


def test_of_two_units_of_one_kind_the_nearer_counts() -> None:
    ours = organization(
        node(KIM, "unit-a"),
        node("unit-a", "unit-b", kind="division"),
        node("unit-b", kind="division"),
    )
    assert ours.place(KIM, DAY).division == "unit-a"


def test_units_placed_under_each_other_have_an_end() -> None:
    ours = organization(
        node(KIM, "unit-a"),
        node("unit-a", "unit-b", kind="team"),
        node("unit-b", "unit-a", kind="division"),
    )
    assert ours.place(KIM, DAY) == Place("unit-a", "unit-b")


def test_a_move_holds_from_its_day_on() -> None:
    moved = OrgNode(KIM, under=(Held("unit-a", None), Held("unit-b", DAY)))
    ours = organization(moved, node("unit-a", kind="team"), node("unit-b", kind="team"))
    assert [ours.place(KIM, day).team for day in (DAY_BEFORE, DAY)] == ["unit-a", "unit-b"]


def test_of_whom_nobody_told_us_nothing_is_known() -> None:
    assert organization().place(KIM, DAY) == Place()
