"""What order, contract, fulfilment and invoices say, as CloudEvents of an ERP (X-01, O-12). Pure.

Which types of events those are, and where in their data is what, is the deployment's choice: no ERP
has to learn our words. One event is read for itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.opportunities.hand_off_mapping import TOLD, EventMapping
from services.opportunities.record.commands import ReportHandOff
from shared.cloudevents import SOURCE_MAX, opened
from shared.command import Instant
from shared.errors import InvalidError, in_words
from shared.references import ID
from shared.web import invalid, refusal

_STREAM = re.compile(rf"opportunity-{ID}")
_TIME = TypeAdapter(Instant)


@dataclass(frozen=True, slots=True)
class Read:
    """One event as it came: what it tells of which opportunity, or what is wrong with it.

    `stream` None: it names none, but `order`, which is the reference of what was told before.
    """

    at: str
    id: str | None
    source: str | None
    command: ReportHandOff | None = None
    stream: str | None = None
    order: str | None = None
    problem: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How this deployment reads events of an ERP."""

    mappings: Sequence[EventMapping]
    zone: tzinfo
    _by_type: Mapping[str, EventMapping] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_type", {one.type: one for one in self.mappings})

    def read(self, document: Any, at: str) -> Read:
        """Read one event; `at` points at it within the body."""
        named = document if isinstance(document, dict) else {}
        name, source = (
            value if isinstance(value := named.get(key), str) else None for key in ("id", "source")
        )
        try:
            return self._read(document, at)
        except InvalidError as error:
            return Read(at, name, source, problem=refusal(error))
        except ValidationError as error:
            return Read(at, name, source, problem=invalid(error, f"{at}/data"))

    def _read(self, document: Any, at: str) -> Read:
        _, name, source, data = event = opened(document, self._by_type, at)
        mapping = self._by_type[event.type]
        told = {field: found_at(data, getattr(mapping, field)) for field in TOLD}
        said = {field: value for field, value in told.items() if value is not None}
        if "on" not in said and document.get("time") is not None:
            said["on"] = self._day(document["time"], at)
        command = ReportHandOff.model_validate({"step": mapping.step, "system": source, **said})
        stream = found_at(data, mapping.opportunity) or document.get("subject")
        order = found_at(data, mapping.order)
        if isinstance(stream, str) and _STREAM.fullmatch(stream):
            return Read(at, name, source, command, stream)
        if isinstance(order, str) and order.strip() and len(order) <= SOURCE_MAX:
            return Read(at, name, source, command, order=order)
        where = mapping.opportunity.replace(".", "/")
        raise InvalidError(
            "the opportunity as we name it, opportunity-…, or the order that was told of before",
            field=f"{at}/data/{where}",
        )

    def _day(self, time: Any, at: str) -> Any:
        try:
            return _TIME.validate_python(time).astimezone(self.zone).date()
        except ValidationError as error:
            raise InvalidError(in_words(error.errors()[0]["msg"]), field=f"{at}/time") from None


def found_at(data: Mapping[str, Any], path: str) -> Any:
    """Return what lies at a path whose parts are parted by dots; None where nothing does."""
    found: Any = data
    for part in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found
