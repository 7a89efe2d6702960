"""Bytes that were right once: cut, doubled, turned, with something else in between."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# What breaks readers of many kinds.
NASTY = (
    b"", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b'"', b"\\", b"\\ud800", b"[" * 300, b"{", b"}",
    b"\r\n", b"\n ", b",", b":", b";", b"1e999", b"-0", b"NaN", b"9" * 400, b"null", b"true", b"{}",
    b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n", b"END:VCALENDAR\r\n", b"RRULE:FREQ=YEARLY;COUNT=-1\r\n",
    b"DTSTART;TZID=Nowhere:99991231T240000\r\n", "\u202e\u2028\u0000가".encode(), b"]", b"=1+1",
)  # fmt: skip


@st.composite
def mutated(draw: Any, *valid: bytes) -> bytes:
    """One of these, changed in one to four places."""
    text = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 40)))
        put = draw(
            st.sampled_from(NASTY)
            | st.binary(max_size=8)
            | st.just(text[begin:end] * 2)
            | st.just(text[begin:end][::-1])
        )
        text = text[:begin] + put + text[end:]
    return text
