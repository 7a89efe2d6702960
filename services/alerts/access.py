"""Who may do what with alerts: they are whose job it is to act."""

from __future__ import annotations

from shared.access.platform import of_domain
from shared.access.rules import EMPLOYEE, Of, Rules, rules, seller

RULES: Rules = {
    **of_domain("alerts", "alerts.read", Of("stream")),
    **rules("catalogue.read", "GET /alerts/rules"),
    **rules("catalogue.write", "POST /alerts/dry-run"),
    **rules("alerts.read", "GET /alerts/inbox/{employee}", whose=[EMPLOYEE]),
    **rules("alerts.read", "GET /alerts", whose=[seller("owner")]),
    **rules("alerts.read", "GET /alerts/{alert}", whose=[Of("alert", "alert")]),
    **rules("alerts.acknowledge", "POST /alerts/{alert}/acknowledge", whose=[Of("alert", "alert")]),
}
