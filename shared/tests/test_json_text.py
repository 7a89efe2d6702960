"""What others write as JSON is read in the one way in which it can be, or refused."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import json_text
from shared.errors import InvalidError
from shared.json_text import LOOKED_AT_MAX, RepeatedNameError, read

TEXTS = st.text(max_size=6) | st.text('"\\/\n\u007f한', max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=9,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_whatever_is_written_once_is_read(value: Any, ascii_only: bool, indent: Any) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert read(text) == value


@given(VALUES, VALUES, TEXTS, st.booleans())
def test_a_name_that_is_given_twice_is_found_wherever_it_is(
    one: Any,
    other: Any,
    name: str,
    ascii_only: bool,
) -> None:
    said, first, second = (json.dumps(it, ensure_ascii=ascii_only) for it in (name, one, other))
    # Spelled otherwise it is the same name.
    again = json.dumps(name, ensure_ascii=not ascii_only)
    text = f'[{{"a": {first}}}, {{"b": {{{said}: {first}, {again}: {second}}}}}]'.encode()
    with pytest.raises(RepeatedNameError) as refused:
        read(text)
    assert refused.value.status == 400
    assert refused.value.field is not None
    assert refused.value.field.startswith("#/1/b/")


@pytest.mark.parametrize(
    ("text", "field", "cause"),
    [
        (b'{"a": 1, "a": 1}', "#/a", "the name 'a' is given twice"),
        (b'{"a/b": {"\\u0063~": 1, "c~": 2}}', "#/a~1b/c~0", "the name 'c~' is given twice"),
        (b'{"a": {"x": 1}, "a": {"y": 1, "y": 2}}', "#/a", "the name 'a' is given twice"),
        (b'[{"a": 1}, {"\\"": 1, "\\u0022": 2}]', '#/1/"', "given twice"),
        (b'{"a": "\\\\", "a": "\\""}', "#/a", "given twice"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "#/\\ud800", "given twice"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "#/a", "a number of 5,000 digits; 300 are the most"),
        (b'{"a": [0, 1e999]}', "#/a/1", "beyond"),
        (b'{"a": NaN}', "#", "not JSON"),
        ('{"a": "ü"}'.encode("latin-1"), "#", "byte 0xfc at 7 is no UTF-8; write it in UTF-8"),
        ("{}".encode("utf-16"), "#", "byte 0xff at 0 is no UTF-8"),
        (b"", "#", "not JSON"),
        (b"\xef\xbb\xbf{}", "#", "not JSON: it begins with a byte-order mark; leave out"),
        (b"[" * 1_000 + b"]" * 1_000, "#", "too deep"),
        (b"[" * 100_000, "#", "not JSON"),
        (b'{"a": "\\ud800"}', "#", "not JSON"),
    ],
)
def test_what_cannot_be_read_is_pointed_at(text: bytes, field: str, cause: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read(text)
    assert refused.value.field == field
    assert cause in str(refused.value)


def test_of_what_is_written_by_halves_each_field_is_read() -> None:
    assert read(b'[{"a": "\\ud800"}, 7]', half_written=True) == [{"a": "\ud800"}, 7]
    with pytest.raises(RepeatedNameError):
        read(b'[{"a": "\\ud800", "b": 1, "b": 2}]', half_written=True)
    with pytest.raises(InvalidError, match="not JSON"):
        read(b"{", half_written=True)


def test_numbers_are_those_that_were_written() -> None:
    for number in (0, -1, 2**53 + 1, 2**63, 1.5, 1e300):
        assert read(orjson.dumps([number])) == [number]


@pytest.mark.parametrize("depth", [60, 240, 900])
def test_of_a_text_that_is_too_long_nobody_looks_for_the_place(
    depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others would wait for it: a text as long as a body may be is counted, and refused."""
    looked: list[int] = []
    monkeypatch.setattr(json_text, "_looked_at", lambda text: looked.append(len(text)))
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    many = b",".join([deep] * (LOOKED_AT_MAX // len(deep) + 1))
    for text in (b'[%b,{"x":1,"x":2}]' % many, b"[%b,NaN]" % many):
        with pytest.raises(InvalidError) as refused:
            read(text)
        assert (refused.value.field, looked) == ("#", [])


@pytest.mark.parametrize("depth", [60, 240, 800])
def test_however_deep_a_name_is_given_twice_it_is_found(depth: int) -> None:
    text = b'{"a":' * depth + b'{"x":1,"x":2}' + b"}" * depth
    with pytest.raises(RepeatedNameError) as refused:
        read(text)
    at = refused.value.field
    assert at in {f"#{'/a' * depth}/x", "#"}
    assert depth > 240 or at != "#"
