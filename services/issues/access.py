"""Who may do what with complaints and commitments: whoever hears one takes it up (I-01)."""

from __future__ import annotations

from shared.access.platform import of_domain
from shared.access.rules import Rules, rules, seller

I, K = "/issues/{issue}", "/issues/commitments/{commitment}"  # noqa: E741 - paths, not numbers

RULES: Rules = {
    **of_domain("issues", "issues.read"),
    **rules(
        "issues.read",
        f"GET {I}",
        f"GET {K}",
        "GET /issues",
        "GET /issues/agreements/{company}",
        "GET /issues/boards/{company}",
        "GET /issues/commitments",
        "GET /issues/satisfaction",
        "GET /issues/voice",
    ),
    # What share of complaints a colleague wrote down is a figure of theirs.
    **rules("figures.read", "GET /issues/capture", whose=[seller("employee")]),
    **rules(
        "issues.write",
        f"POST {I}/act",
        f"POST {I}/assign",
        f"POST {I}/close",
        f"POST {I}/escalate",
        f"POST {I}/find-cause",
        f"POST {I}/give-feedback",
        f"POST {I}/grade",
        f"POST {I}/inform",
        f"POST {I}/register",
        f"POST {I}/remove-cause",
        f"POST {I}/reopen",
        f"POST {I}/set-deadline",
        f"POST {I}/state-satisfaction",
        f"POST {K}/follow-up",
        f"POST {K}/keep",
        f"POST {K}/make",
        f"POST {K}/move",
        f"POST {K}/reassign",
        f"POST {K}/withdraw",
        "POST /issues/agreements/{company}/agree",
        "POST /issues/agreements/{company}/assess",
    ),
}
