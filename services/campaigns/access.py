"""Who may do what with campaigns: marketing and those who sell share them (X-02)."""

from __future__ import annotations

from shared.access.platform import of_domain
from shared.access.rules import Rules, rules

C = "/campaigns/{campaign}"

RULES: Rules = {
    **of_domain("campaigns", "promotions"),
    **rules(
        "promotions",
        "GET /campaigns",
        "GET /campaigns/figures",
        f"GET {C}",
        f"GET {C}/people",
        f"POST {C}/end",
        f"POST {C}/give-feedback",
        f"POST {C}/plan",
        f"POST {C}/start",
    ),
    # Whosever they are, and what they are worth: for whom all deals are open.
    **rules("deals.read", f"GET {C}/opportunities"),
}
