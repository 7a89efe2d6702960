"""Random histories bring every kind, every fact, all that a fold reads of one, and every figure.

What they never bring, no property over them proves anything of.
"""

from __future__ import annotations

import dis
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from types import CodeType, FrameType, ModuleType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from services.analytics import (
    complaints,
    feedback,
    hand_offs,
    measures,
    passages,
    periods,
    series,
    traits,
    workload,
)
from services.analytics.cells import AXES, Axis
from services.analytics.entities import _BLANK
from services.analytics.measures import STREAMS, recompute
from services.analytics.periods import BANDS
from services.analytics.tests.drawn import drawn
from services.analytics.tests.histories import ZONE
from services.analytics.told import NO_CURRENCY
from shared.events import Envelope, Event
from shared.events.calendar import Category
from shared.events.issues import IssueRegistered
from shared.events.opportunities import CommitmentMade
from shared.hand_offs import STEPS

CURRENCIES = ("USD", "KRW", NO_CURRENCY)
# What became of planned time that brought nothing.
UNDONE = ("missed", "displaced", "cancelled")
CONFIDENCES = get_args(CommitmentMade.model_fields["confidence"].annotation)
# Stands for any currency in a measure's name.
EACH = "¤"


def in_each(*measures: str) -> set[str]:
    return {f"{measure}_{EACH}" for measure in measures}


def of_any_currency(measure: str) -> str:
    name, _, currency = measure.rpartition("_")
    return f"{name}_{EACH}" if currency in CURRENCIES else measure


OPEN = {"open", *in_each("open")}
DECIDED = {"won", "lost", "latent", "cycle_days", "cycles", *in_each("value", "profit")}
CASES = {"cases", "open", "reopened", "fed_back", "kept", "missed"}
FIGURES: Mapping[Axis, set[str]] = {
    "owner": OPEN | DECIDED | {"discovered"},
    "product": OPEN | DECIDED,
    "company": OPEN | DECIDED,
    "stage": {"entered", "left", "latent", *in_each("open")},
    "age": OPEN,
    "quality": OPEN,
    "flow": {"discovered", "won", "lost", *in_each("value")},
    "news": {"stale"},
    "passage": {"passed", "stage_days", "passed_won", "passed_lost", "won_from", "lost_from"},
    "slip": {"pushes", "pushed_days", "due", "late", "late_days"},
    "commitment": {*CONFIDENCES, *in_each(*CONFIDENCES)},
    "hand_off": {*STEPS, *in_each(*STEPS)},
    "touch": {"touches"},
    "feedback": {"coached", "assessed"},
    "satisfaction": {"answers_before", "answers_after", "scores_before", "scores_after"},
    "time": {"planned", "actual", "entries"},
    "plan": {"plans", "unplanned", "moved", "done", *UNDONE},
    "lateness": {"started", "ended"},
    "loss": {"minutes", "times"},
    "clock": {"worked"},
    "issue_total": CASES,
    "issue_severity": CASES,
    "issue_status": CASES,
    "issue_kind": CASES,
    "issue_cause": CASES,
    "issue_age": CASES,
    "issue_company": CASES,
    "issue_move": {"moved"},
}
# Of these axes every value has to be brought that there is.
VALUES: Mapping[Axis, set[str]] = {
    "time": set(get_args(Category)),
    "quality": set(BANDS.values()),
    "loss": {*UNDONE, "late", "overrun"},
}


def facts() -> list[Envelope]:
    return list(chain.from_iterable(drawn()))


def test_every_kind_of_stream_is_drawn() -> None:
    assert {history[0].stream.partition("-")[0] for history in drawn()} == STREAMS


def test_every_fact_that_is_folded_is_drawn() -> None:
    assert {type(fact.data) for fact in facts()} == set(_BLANK)


def test_every_figure_is_drawn() -> None:
    """Of each axis and measure there are several histories that bring it."""
    assert set(FIGURES) == set(AXES)
    brought: Counter[tuple[Axis, str]] = Counter()
    values: dict[Axis, set[str]] = defaultdict(set)
    currencies: set[str] = set()
    for history in drawn():
        cells = recompute(history, ZONE)[1]
        brought.update({(cell.axis, of_any_currency(cell.measure)) for cell in cells})
        currencies |= {cell.measure.rpartition("_")[2] for cell in cells}
        for cell in cells:
            values[cell.axis].add(cell.value)
    assert brought.keys() == {(axis, one) for axis, told in FIGURES.items() for one in told}
    assert min(brought.values()) > 1, brought.most_common()[:-9:-1]
    assert {axis: values[axis] for axis in VALUES} == VALUES
    assert currencies >= set(CURRENCIES)


# --- what the code says there is

COUNTING = (complaints, feedback, hand_offs, measures, passages, periods, series, traits, workload)
# Read what was counted, and count nothing.
READERS = {
    one.__code__
    for one in (
        measures.closes,
        measures.bought_by,
        hand_offs.told_of,
        traits.traits.__wrapped__,
    )
}


def codes(found: ModuleType | CodeType) -> Iterator[CodeType]:
    """Yield the code of every function of a module."""
    if isinstance(found, CodeType):
        yield found
        for const in found.co_consts:
            if isinstance(const, CodeType):
                yield from codes(const)
        return
    for value in vars(found).values():
        held = vars(value).values() if isinstance(value, type) else (value,)
        for one in held:
            function = one.fget if isinstance(one, property) else one
            code = getattr(function, "__code__", None)
            if isinstance(code, CodeType) and code.co_filename == found.__file__:
                yield from codes(code)


def words(code: CodeType) -> dict[int, str]:
    """Return the words that a function says, by the place of the instruction that does."""
    return {
        one.offset: one.argval
        for one in dis.get_instructions(code)
        if isinstance(one.argval, str) and one.opname in ("LOAD_CONST", "RETURN_CONST")
    }


def executed(run: Callable[[], Any], wanted: set[CodeType]) -> set[tuple[CodeType, int]]:
    """Return which instructions of some functions are executed."""
    reached: set[tuple[CodeType, int]] = set()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code not in wanted:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            reached.add((frame.f_code, frame.f_lasti))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return reached


def test_every_measure_that_the_code_names_is_counted() -> None:
    """Whoever adds a measure adds what brings it: no word that makes up a cell stays unsaid."""
    counting = {code for module in COUNTING for code in codes(module)} - READERS
    assert measures.contribute.__code__ in counting
    said = executed(lambda: recompute(facts(), ZONE), counting)
    unsaid = {
        (code.co_qualname, word)
        for code in counting
        for place, word in words(code).items()
        if word and (code, place) not in said
    }
    assert unsaid == set()


def test_whatever_a_fold_reads_of_a_fact_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a field may say where that is a few words; else at least two different things."""
    read: set[tuple[type[Event], str]] = set()
    found = object.__getattribute__

    def reading(event: Event, name: str) -> Any:
        kind = found(event, "__class__")
        if name in kind.__pydantic_fields__:
            read.add((kind, name))
        return found(event, name)

    with monkeypatch.context() as patch:
        patch.setattr(Event, "__getattribute__", reading)
        recompute(facts(), ZONE)
    assert (IssueRegistered, "kept") in read
    told = defaultdict(set)
    for fact in facts():
        for name in type(fact.data).__pydantic_fields__:
            told[type(fact.data), name].add(getattr(fact.data, name))
    unsaid = {
        f"{kind.__name__}.{name}": missing
        for kind, name in read
        if (missing := _unsaid(get_type_hints(kind)[name], told[kind, name]))
    }
    assert unsaid == {}


def _unsaid(annotation: Any, told: set[Any]) -> set[Any]:
    """Return what a field of this type may say, too."""
    kinds = [annotation] if get_origin(annotation) is Literal else get_args(annotation)
    missing: set[Any] = {None} - told if type(None) in kinds else set()
    for kind in kinds or (annotation,):
        if get_origin(kind) is Literal:
            missing |= set(get_args(kind)) - told
        elif kind is bool:
            missing |= {True, False} - told
    return missing or ({"something else"} if len(told) < 2 else set())
