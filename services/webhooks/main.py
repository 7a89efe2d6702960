"""Composes the webhooks domain, and the work of delivering."""

from __future__ import annotations

from services.webhooks.access import RULES
from services.webhooks.api import router
from services.webhooks.defaults import WebhooksDefaults
from services.webhooks.model import (
    ChooseFacts,
    Disable,
    Enable,
    Move,
    Remove,
    Replay,
    SkipFact,
    Webhook,
    decide_webhook,
    evolve_webhook,
)
from services.webhooks.preparing import prepare
from services.webhooks.projections import PROJECTIONS
from services.webhooks.sending import deliver
from shared.command import Command
from shared.decider import Decider
from shared.service import Domain

# Whoever registers one, or rotates its secret, is told the secret; many at once would not be.
COMMANDS: dict[str, type[Command]] = {
    "choose_facts": ChooseFacts,
    "move": Move,
    "disable": Disable,
    "enable": Enable,
    "skip_fact": SkipFact,
    "replay": Replay,
    "remove": Remove,
}


def build(defaults: WebhooksDefaults) -> Domain:
    """Return the domain with what this deployment chose."""
    return Domain(
        name="webhooks",
        deciders={"webhook": Decider(Webhook(), decide_webhook, evolve_webhook, COMMANDS)},
        projections=PROJECTIONS,
        works={"deliver to webhooks": deliver},
        defaults=defaults,
        build=build,
        prepare=prepare,
    )


domain = build(WebhooksDefaults())

__all__ = ["RULES", "domain", "router"]
