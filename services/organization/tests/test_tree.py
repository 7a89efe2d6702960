"""Who may see whom follows the tree, as it is on the day; a circle opens no door."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.organization.held import Held
from services.organization.projections import Assignment, EmployeeCard, UnitCard
from services.organization.tree import OrgTree

JANUARY, MARCH, JUNE = date(2026, 1, 1), date(2026, 3, 1), date(2026, 6, 1)


def unit(name: str, parent: str | None, manager: str | None, since: date | None = None) -> UnitCard:
    parents = (Held(parent, since),) if parent else ()
    managers = (Held(manager, None),) if manager else ()
    return UnitCard(name, name=name, parents=parents, managers=managers)


def person(name: str, *units: tuple[str, date | None], left_on: date | None = None) -> EmployeeCard:
    assignments = tuple(Assignment(*one) for one in units)
    active = left_on is None
    return EmployeeCard(name, name=name, assignments=assignments, left_on=left_on, active=active)


def tree(units: list[UnitCard], people: list[EmployeeCard]) -> OrgTree:
    return OrgTree({one.unit: one for one in units}, {one.employee: one for one in people})


COMPANY = tree(
    [unit("top", None, "ceo"), unit("north", "top", "nora"), unit("south", "top", "sam")],
    [
        person("ceo", ("top", None)),
        person("nora", ("north", None)),
        person("sam", ("south", None)),
        person("ada", ("north", None), ("south", MARCH)),
        person("bo", ("south", None), left_on=JUNE),
    ],
)


@pytest.mark.parametrize(
    ("viewer", "subject", "on", "sees"),
    [
        ("ceo", "ada", JANUARY, True),
        ("nora", "ada", JANUARY, True),
        ("nora", "ada", MARCH, False),
        ("sam", "ada", MARCH, True),
        ("ada", "ada", MARCH, True),
        ("ada", "nora", JANUARY, False),
        ("nora", "sam", JANUARY, False),
        ("sam", "bo", JUNE, True),
        ("bo", "bo", MARCH, True),
        ("bo", "bo", JUNE, False),
        ("nobody", "nobody", MARCH, False),
    ],
)
def test_one_sees_their_own_and_all_of_those_they_lead_on_that_day(
    viewer: str, subject: str, on: date, *, sees: bool
) -> None:
    assert COMPANY.may_see(viewer, subject, on) is sees


def test_one_reports_to_the_nearest_leader_who_is_somebody_else() -> None:
    reports = {one: COMPANY.reports_to(one, MARCH) for one in COMPANY.employees}
    assert reports == {"ceo": None, "nora": "ceo", "sam": "ceo", "ada": "sam", "bo": "sam"}


def test_units_under_each_other_in_a_circle_have_nobody_above_them() -> None:
    circle = tree(
        [
            unit("a", "b", "alf"),
            unit("b", "c", "bea"),
            unit("c", "a", "cy"),
            unit("team", "a", "ted"),
        ],
        [person(name, ("team", None)) for name in ("ada", "ted", "alf", "bea", "cy")],
    )
    assert circle.circles(MARCH) == [("a", "b", "c")]
    assert circle.circle("b", MARCH) == ("b", "c", "a")
    assert circle.circle("team", MARCH) == ()
    assert circle.above("team", MARCH) == ("team", "a")
    seen_by = [one for one in circle.employees if circle.may_see(one, "ada", MARCH)]
    assert seen_by == ["ada", "ted", "alf"]


def test_a_circle_is_found_on_the_day_on_which_it_closes() -> None:
    units = [unit("a", "b", None, JUNE), unit("b", "c", None), unit("c", None, None)]
    known = tree(units, [])
    assert known.circle_if("c", "a", None) == (JUNE, ("c", "a", "b"))
    assert known.circle_if("c", "d", JANUARY) == (JANUARY, ())
    assert known.circle_if("b", "a", MARCH)[1] == ("b", "a")


NAMES = ("a", "b", "c", "d")
DAYS = st.sampled_from([None, JANUARY, MARCH, JUNE])
HELD = st.builds(Held, st.sampled_from(NAMES), DAYS)


def _sorted(held: list[Held]) -> tuple[Held, ...]:
    return tuple(sorted(held, key=lambda one: one.since or date.min))


UNITS = st.fixed_dictionaries(
    {
        name: st.builds(
            UnitCard,
            st.just(name),
            parents=st.lists(HELD, max_size=3).map(_sorted),
            managers=st.lists(HELD, max_size=2).map(_sorted),
        )
        for name in NAMES
    }
)
PEOPLE = st.fixed_dictionaries(
    {
        name: st.sampled_from(NAMES).map(lambda unit, name=name: person(name, (unit, None)))
        for name in NAMES
    }
)


@for_all(UNITS, PEOPLE, st.sampled_from([JANUARY, MARCH, JUNE]))
def test_however_units_were_placed_the_way_up_ends_and_shows_each_circle(
    units: dict[str, UnitCard], people: dict[str, EmployeeCard], on: date
) -> None:
    org = OrgTree(units, people)
    inside = {unit for circle in org.circles(on) for unit in circle}
    for name in NAMES:
        above = org.above(name, on)
        assert above[0] == name
        assert len(set(above)) == len(above)
        assert not inside & set(above[:-1])
        assert org.may_see(name, name, on)
        for viewer in NAMES:
            leads = any(org.manager_of(unit, on) == viewer for unit in NAMES)
            assert leads or viewer == name or not org.may_see(viewer, name, on)


@for_all(UNITS, st.sampled_from(NAMES), st.sampled_from(NAMES), DAYS)
def test_what_is_not_refused_closes_no_circle_from_its_day_on(
    units: dict[str, UnitCard], child: str, parent: str, since: date | None
) -> None:
    org = OrgTree(units, {})
    day, circle = org.circle_if(child, parent, since)
    held = _sorted([*units[child].parents, Held(parent, since)])
    after = OrgTree(units | {child: UnitCard(child, parents=held)}, {})
    if circle:
        assert after.circle(child, day) == circle
    else:
        days = [one for one in (date.min, JANUARY, MARCH, JUNE) if one >= (since or date.min)]
        assert not any(after.circle(child, one) for one in days)
