"""Which request a fact goes back to, for the lines that tell of it where no request is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shared.events import Envelope
from shared.log import Record

# Also of bytes that are no fact of this release, and without reading the whole of them.
_IN_ENVELOPE = re.compile(rb'"(correlationid|traceparent)":"((?:[^"\\]|\\.){1,200})"')
CORRELATIONS_MAX = 5


def correlation_of(value: bytes | None) -> dict[str, str]:
    """Return the ids by which the logs of all processes tell of a fact."""
    found: dict[str, str] = {}
    for name, said in _IN_ENVELOPE.findall(value or b""):
        text = said.decode(errors="replace")
        if name == b"correlationid":
            found.setdefault("correlation_id", text)
        else:
            found.setdefault("trace_id", text[3:35])
    return found


def about(record: Record, fact: Envelope | None) -> dict[str, str]:
    """Say of a fact what a line about it needs: whose request, which fact, where it lies."""
    known = {"position": "/".join(map(str, record.position)), **correlation_of(record.value)}
    return known if fact is None else {**known, "fact": fact.id}


def correlations_of(records: Iterable[Record]) -> list[str]:
    """Return whose requests a batch goes back to; of a large one, the first of them."""
    found: dict[str, None] = {}
    for record in records:
        found |= dict.fromkeys(
            text for name, text in correlation_of(record.value).items() if name == "correlation_id"
        )
        if len(found) >= CORRELATIONS_MAX:
            break
    return list(found)
