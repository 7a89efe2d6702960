"""How events of an ERP are read: which type tells of which step, and where in it is what. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.opportunities.record.commands import ReportHandOff
from shared.cloudevents import SOURCE_MAX
from shared.hand_offs import HandOffStep
from shared.references import ID

# What an event says of a hand-off, in whatever words.
TOLD = ("status", "reference", "amount", "currency", "on")


class EventMapping(BaseModel):
    """One type of event, which step it tells of, and where in its data is what (dots go deeper)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(min_length=1, max_length=200)
    step: HandOffStep
    opportunity: str = "opportunity"
    order: str = "order"
    status: str = "status"
    reference: str = "reference"
    amount: str = "amount"
    currency: str = "currency"
    on: str = "on"


DEFAULT: Sequence[EventMapping] = (
    EventMapping(type="erp.order_status.v1", step="order"),
    EventMapping(type="erp.contract_status.v1", step="contract"),
    EventMapping(type="erp.fulfilment_status.v1", step="fulfilment"),
    EventMapping(type="erp.invoice_status.v1", step="finance"),
)


def data_schema(mapping: EventMapping) -> dict[str, Any]:
    """Return the JSON Schema of the data of such an event, where no field of it lies deeper.

    It may say more, and names the opportunity, the order, or in `subject` of its event.
    """
    fields = ReportHandOff.model_json_schema()["properties"]
    told = {getattr(mapping, name): fields[name] for name in TOLD}
    names = {
        mapping.opportunity: {"type": "string", "pattern": f"^opportunity-{ID}$"},
        mapping.order: {"type": "string", "minLength": 1, "maxLength": SOURCE_MAX},
    }
    return {
        "title": mapping.type,
        "description": f"How far {mapping.step} has got, as its system says.",
        "type": "object",
        "properties": {**names, **told},
        "required": [mapping.status],
    }
