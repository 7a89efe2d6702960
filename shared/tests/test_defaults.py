"""One readable file holds what a company chooses; what is wrong in it is named, all at once."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from shared.defaults import DefaultsError, Section, document, read


class Band(BaseModel):
    name: str
    up_to: int


class Tiny(Section):
    quiet_days: int = Field(30, ge=1, description="Days without a touch before somebody is told.")
    strict: bool = Field(False, description="Refuse instead of warning.")
    grades: tuple[str, ...] = Field(('"A"', "B"), description="From the best one down.")
    bands: tuple[Band, ...] = Field((Band(name="low", up_to=5),), description="Parts of a scale.")


SECTIONS = {"tiny": Tiny, "plain": Section}


def test_without_a_file_everything_is_as_in_code() -> None:
    assert read(None, SECTIONS) == {"tiny": Tiny(), "plain": Section()}


def test_the_written_file_says_what_the_code_says_and_why(tmp_path: Path) -> None:
    text = document(SECTIONS)
    path = tmp_path / "defaults.toml"
    path.write_text(text)
    assert read(path, SECTIONS)["tiny"] == Tiny()
    assert "# Refuse instead of warning.\nstrict = false\n" in text
    assert "plain" not in tomllib.loads(text)


def test_what_the_file_leaves_out_keeps_its_value(tmp_path: Path) -> None:
    path = tmp_path / "defaults.toml"
    path.write_text("[tiny]\nquiet_days = 7\n")
    assert read(path, SECTIONS)["tiny"] == Tiny(quiet_days=7)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[tiny]\nquiet_days = 0\n", ["tiny.quiet_days: Input should be greater than"]),
        ("[tiny]\nquite_days = 3\n", ["tiny.quite_days: Extra inputs are not permitted"]),
        ("[tyni]\n", ["tyni: there is no such section; there are plain, tiny"]),
        ("[tiny]\nbands = [{name = 'x'}]\nstrict = 3\n", ["tiny.bands.0.up_to", "tiny.strict"]),
        ("tiny = 3\n", ["tiny: Input should be a valid dictionary"]),
        ("[tiny\n", ["line 1"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: list[str]) -> None:
    path = tmp_path / "defaults.toml"
    path.write_text(text)
    with pytest.raises(DefaultsError) as refused:
        read(path, SECTIONS)
    assert str(path) in str(refused.value)
    for what in named:
        assert what in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefaultsError, match=r"gone\.toml"):
        read(tmp_path / "gone.toml", SECTIONS)
