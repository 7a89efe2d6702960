"""Composes the alerts domain."""

from __future__ import annotations

from services.alerts.api import router
from services.alerts.defaults import AlertsDefaults
from services.alerts.model import (
    AcknowledgeAlert,
    Alert,
    decide_alert,
    decide_win,
    evolve_alert,
    evolve_win,
)
from services.alerts.projections import alert_card, customers_won, watched, won_deal
from services.alerts.rules import ALL
from shared.service import Decider, Domain


def build(defaults: AlertsDefaults) -> Domain:
    """Return the domain with the rules on the terms that this deployment chose."""
    rules = [
        watched(rule, chosen.terms(rule), chosen.version)
        for rule in ALL
        if (chosen := defaults.of(rule)).on
    ]
    return Domain(
        name="alerts",
        deciders={
            "alert": Decider(
                Alert(), decide_alert, evolve_alert, {"acknowledge": AcknowledgeAlert}
            ),
            "win": Decider(frozenset(), decide_win, evolve_win),
        },
        projections=(alert_card, won_deal, *(one.projection for one in rules)),
        timers=(customers_won, *(one.timer for one in rules)),
        defaults=defaults,
        build=build,
    )


domain = build(AlertsDefaults())

__all__ = ["domain", "router"]
