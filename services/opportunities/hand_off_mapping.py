"""How events of an ERP are read: which type tells of which step, and where in it is what. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from services.opportunities.record.deal import HandOffStep


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
