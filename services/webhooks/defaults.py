"""What a company may choose about its webhooks."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.addresses import Network, network
from shared.defaults import Section


class WebhooksDefaults(Section):
    """The section `webhooks` of a deployment's file."""

    allowed_networks: tuple[Annotated[str, AfterValidator(network)], ...] = Field(
        (),
        description="Networks of our own to which facts may be delivered, as 10.1.0.0/16; into "
        "these also without TLS.",
    )
    answer_seconds: float = Field(
        15, gt=0, le=60, description="How long a receiver may take to answer a delivery."
    )
    retry_seconds: tuple[Annotated[float, Field(gt=0, le=604_800)], ...] = Field(
        (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400),
        max_length=50,
        description="How long to wait after each failed attempt to deliver one fact; when these "
        "are used up, the webhook is disabled.",
    )
    at_once: int = Field(
        4, ge=1, le=64, description="How many deliveries one receiver is sent at the same time."
    )
    log_days: int = Field(
        7, ge=1, le=400, description="For how many days attempts to deliver are shown."
    )

    @property
    def networks(self) -> tuple[Network, ...]:
        return tuple(ip_network(one) for one in self.allowed_networks)
