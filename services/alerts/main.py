"""Composes the alerts domain."""

from __future__ import annotations

from services.alerts.access import RULES
from services.alerts.api import router
from services.alerts.defaults import AlertsDefaults
from services.alerts.model import (
    AcknowledgeAlert,
    Alert,
    decide_alert,
    decide_win,
    evolve_alert,
    evolve_win,
    own_first,
)
from services.alerts.projections import alert_card, customers_won, watching, won_deal
from services.alerts.subjects import subjects
from shared.decider import Decider
from shared.service import Domain


def build(defaults: AlertsDefaults) -> Domain:
    """Return the domain with the rules on the terms that this deployment chose."""
    watch = watching(defaults.rules(), defaults.version)
    return Domain(
        name="alerts",
        deciders={
            "alert": Decider(
                Alert(), decide_alert, evolve_alert, {"acknowledge": AcknowledgeAlert}
            ),
            "win": Decider(frozenset(), decide_win, evolve_win),
        },
        projections=(alert_card, subjects, won_deal, watch.projection),
        timers=(customers_won, watch.timer),
        own_first=own_first,
        defaults=defaults,
        build=build,
    )


domain = build(AlertsDefaults())

__all__ = ["RULES", "domain", "router"]
