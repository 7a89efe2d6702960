from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sellers.importing.mapping import DEFAULT, MappingError, load_mapping

BUILT_IN = yaml.safe_load(DEFAULT.read_text())


def written(tmp_path: Path, change: dict[str, object]) -> Path:
    """The built-in mapping with some values changed, each named by its path; None takes it away."""
    document = yaml.safe_load(DEFAULT.read_text())
    for where, value in change.items():
        *parents, last = where.split(".")
        part = document
        for step in parents:
            part = part[step]
        if value is None:
            del part[last]
        else:
            part[last] = value
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True))
    return path


def test_the_built_in_mapping_is_valid() -> None:
    mapping = load_mapping()
    assert list(mapping.tables) == ["companies", "products", "sellers", "opportunities"]
    assert mapping.opportunities is not None
    assert mapping.opportunities.stages["Won"].outcome == "won"


def test_the_source_can_be_told_apart() -> None:
    assert load_mapping(source="north").source == "north"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"currency": None}, "currency: Field required"),
        ({"currency": "dollars"}, "currency: "),
        ({"source": "a b"}, "source: "),
        ({"opportunities.columns.key": None}, "opportunities.columns.key: Field required"),
        ({"opportunities.columns.stagee": "x"}, "opportunities.columns.stagee: Extra inputs"),
        ({"opportunities.columns.value": None}, "opportunities: a won opportunity has a value"),
        ({"opportunities.stages": {}}, "opportunities.stages: "),
        ({"opportunities.stages": {"Won": "Won"}}, "opportunities.stages.Won.stage: Won is an"),
        ({"opportunities.stages": {"X": {"stage": "X", "outcome": "gone"}}}, "X.outcome: "),
        ({"dates": "%d-%m"}, "dates: '%d-%m' does not tell day, month and year"),
        ({"dates": "%y%"}, "dates: "),
        ({"opportunities.dates": "yyyy-mm-dd"}, "opportunities.dates: "),
        ({"encoding": "utf-9"}, "encoding: 'utf-9' is no encoding"),
        ({"delimiter": ";;"}, "delimiter: ';;' is not one sign"),
        ({"thousands_mark": "."}, "thousands_mark: '.' is the decimal mark"),
        ({"companies.file": "../accounts.csv"}, "companies.file: a file's name"),
        ({"products.file": "accounts.csv"}, "two tables have the same file"),
        ({"products": None}, "opportunities.columns.product: no file lists these names"),
        ({"sellers.team": "Team"}, "sellers.team: a text with {manager}"),
        ({"sellers.team": "Team {manager:d}"}, "sellers.team: a text with {manager}"),
        ({"sellers.team": "{manager!r}"}, "sellers.team: a text with {manager}"),
        ({"sellers.team": "{manager} {manager.name}"}, "sellers.team: a text with {manager}"),
        (
            {"companies.columns.parent": {"column": "subsidiary_of", "unlisted": "register"}},
            "companies.columns.parent: companies are listed in this very file",
        ),
    ],
)
def test_a_mistake_is_named_with_its_field(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = written(tmp_path, change)
    with pytest.raises(MappingError) as caught:
        load_mapping(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "- a list", "a: [", "source: \xff\x00"])
def test_what_is_no_mapping_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    with pytest.raises(MappingError) as caught:
        load_mapping(path)
    assert "\n" not in str(caught.value)


def test_a_missing_mapping_is_said(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="No such file"):
        load_mapping(tmp_path / "none.yaml")
