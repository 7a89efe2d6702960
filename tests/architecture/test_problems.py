"""The catalogue of problems tells of every one that the code can answer with, and of no other."""

from __future__ import annotations

import ast

import pytest

from sellers import problems
from sellers.problems import HELP, OTHERS, PAGE, Problem, _named, named_in_code, page, refusals


def test_the_page_is_as_the_code_is() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make errors"


def test_every_refusal_says_what_it_means() -> None:
    told = {one.slug for one in problems.problems()}
    assert {refusal.slug for refusal in refusals()} <= told
    assert [one.slug for one in problems.problems() if not one.meaning] == []


def test_nothing_is_explained_that_nobody_answers() -> None:
    # What the framework itself answers with no class of ours.
    by_itself = {"method-not-allowed", "unavailable"}
    assert set(OTHERS) - named_in_code() == by_itself


def test_what_the_code_names_is_found() -> None:
    code = """
PARKED = "stream-parked"
raise UnavailableError("x", slug=PARKED)
raise UnavailableError("x", slug="behind", retry_after_s=1)
raise HTTPException(415, "x")
raise StarletteHTTPException(304)
problem_response(problem(413, "too-large", "Too large", "x"))
problem(status, slug, title, detail)
"""
    assert list(_named(ast.parse(code))) == [
        "stream-parked",
        "behind",
        "unsupported-media-type",
        "too-large",
    ]


def test_a_type_that_nobody_explains_stops_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "named_in_code", lambda: {"towel"})
    with pytest.raises(LookupError, match="towel"):
        page()


def test_a_word_means_one_thing_everywhere() -> None:
    told: dict[str, Problem] = {}
    for one in problems.problems():
        first = told.setdefault(one.slug, one)
        assert first.status == one.status, f"{one.slug}: {first} and {one}"
    assert told.keys() >= HELP.keys()
