"""Who may do what with opportunities, forecasts, targets and products."""

from __future__ import annotations

from shared.access.platform import of_domain
from shared.access.rules import Of, Rules, Whose, rules, seller, unit

O = "/opportunities/{opportunity}"  # noqa: E741 - the path that nearly all begin with
THIS: list[Whose] = [Of("opportunity", "opportunity")]
OWNER, OF_UNIT = seller("owner"), unit()

RULES: Rules = {
    **of_domain("opportunities", "deals.read", Of("stream")),
    **rules(
        "catalogue.read",
        "GET /products",
        "GET /products/{product}",
    ),
    **rules(
        "catalogue.write",
        "POST /products/{product}/list",
        "POST /products/{product}/reprice",
    ),
    **rules(
        "deals.read",
        f"GET {O}",
        f"GET {O}/page",
        f"GET {O}/pages/{{audience}}",
        f"GET {O}/record",
        whose=THIS,
    ),
    **rules(
        "deals.read",
        "GET /opportunities",
        "GET /opportunities/ranked",
        "GET /opportunities/reconciliation",
        "GET /commitments",
        whose=[OWNER],
    ),
    **rules("deals.read", "GET /opportunities/cross-division", whose=[seller("introduced_by")]),
    **rules(
        "deals.write",
        f"POST {O}/discover",
        whose=[Of("opportunity", "opportunity", otherwise=seller("owner", "body"))],
    ),
    **rules(
        "deals.write",
        f"POST {O}/commit",
        f"POST {O}/withdraw-commitment",
        whose=[*THIS, seller("seller", "body")],
    ),
    **rules(
        "deals.write",
        f"POST {O}/advance",
        f"POST {O}/agree-action",
        f"POST {O}/agree-next-step",
        f"POST {O}/answer-question",
        f"POST {O}/ask-question",
        f"POST {O}/assess-competitor",
        f"POST {O}/assess-person",
        f"POST {O}/choose-positioning",
        f"POST {O}/complete-action",
        f"POST {O}/complete-next-step",
        f"POST {O}/drop-action",
        f"POST {O}/hold-coaching",
        f"POST {O}/involve-person",
        f"POST {O}/join-team",
        f"POST {O}/leave-team",
        f"POST {O}/lose",
        f"POST {O}/make-real",
        f"POST {O}/note-coaching-outcome",
        f"POST {O}/reassign",
        f"POST {O}/record-evidence",
        f"POST {O}/release-person",
        f"POST {O}/reopen",
        f"POST {O}/report-hand-off",
        f"POST {O}/resume",
        f"POST {O}/revalue",
        f"POST {O}/share-credit",
        f"POST {O}/snooze",
        f"POST {O}/win",
        f"POST {O}/withdraw-competitor",
        whose=THIS,
    ),
    **rules("hand-offs.publish", "POST /opportunities/hand-offs"),
    **rules("goals.read", "GET /forecasts", "GET /targets", whose=[OWNER, OF_UNIT]),
    **rules("goals.read", "GET /forecasts/{forecast}", whose=[Of("forecast", "forecast")]),
    **rules("goals.read", "GET /targets/{target}", whose=[Of("target", "target")]),
    **rules(
        "forecasts.freeze",
        "POST /forecasts/{forecast}/freeze",
        whose=[seller("owner", "body"), unit("unit", "body")],
    ),
    **rules(
        "targets.write",
        "POST /targets/{target}/set",
        whose=[seller("owner", "body"), unit("unit", "body")],
    ),
    **rules("targets.write", "POST /targets/{target}/withdraw", whose=[Of("target", "target")]),
}
