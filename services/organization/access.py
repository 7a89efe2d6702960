"""Who may do what with colleagues, units, working calendars and handovers."""

from __future__ import annotations

from shared.access.platform import of_domain
from shared.access.rules import EMPLOYEE, Of, Rules, rules, seller

E, U = "/organization/employees/{employee}", "/organization/units/{unit}"
H, W = "/organization/handovers/{employee}", "/organization/workcalendars/{calendar}"
K = "/organization/keys/{key}"
# Theirs who hands over, and theirs who receives.
HANDOVER = Of("employee", "handover", otherwise=EMPLOYEE)

RULES: Rules = {
    **of_domain("organization", "organization.history"),
    **rules(
        "organization.read",
        f"GET {E}",
        f"GET {E}/days",
        f"GET {U}",
        "GET /organization/chart",
        "GET /organization/employees",
        "GET /organization/may-see",
        "GET /organization/units",
    ),
    **rules("catalogue.read", f"GET {W}", "GET /organization/workcalendars"),
    **rules(
        "organization.write",
        f"POST {E}/assign",
        f"POST {E}/grade",
        f"POST {E}/join",
        f"POST {E}/lay-down-role",
        f"POST {E}/leave",
        f"POST {E}/take-function",
        f"POST {E}/take-role",
        f"POST {U}/appoint-manager",
        f"POST {U}/assign-calendar",
        f"POST {U}/form",
        f"POST {U}/place-under",
        f"POST {W}/declare-holidays",
        f"POST {W}/holidays.ics",
        f"POST {W}/open",
        f"POST {W}/set-hours",
        f"POST {W}/withdraw-holiday",
    ),
    **rules(
        "absences.write",
        f"POST {E}/cancel-absence",
        f"POST {E}/plan-absence",
        whose=[EMPLOYEE],
    ),
    **rules(
        "keys",
        "GET /organization/keys",
        f"GET {K}",
        f"POST {K}/issue",
        f"POST {K}/revoke",
    ),
    **rules("handovers.read", f"GET {H}", f"GET {H}/dossier", whose=[HANDOVER]),
    **rules("handovers.read", "GET /organization/handovers", whose=[seller("receiver")]),
    **rules("handovers.read", "GET /organization/owned-items", whose=[seller("owner")]),
    **rules(
        "handovers.write",
        f"POST {H}/acknowledge",
        f"POST {H}/call-off",
        f"POST {H}/hand-over",
        f"POST {H}/meet-customer",
        f"POST {H}/name-receiver",
        f"POST {H}/start",
        whose=[HANDOVER],
    ),
}
