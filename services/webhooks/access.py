"""Who may send facts to whom outside: that is decided by who runs the platform."""

from __future__ import annotations

from shared.access.platform import of_domain
from shared.access.rules import Rules, rules

W = "/webhooks/{webhook}"

RULES: Rules = {
    **of_domain("webhooks", "webhooks"),
    **rules(
        "webhooks",
        "GET /webhooks",
        f"GET {W}",
        f"GET {W}/deliveries",
        f"GET {W}/progress",
        f"POST {W}/choose-facts",
        f"POST {W}/disable",
        f"POST {W}/enable",
        f"POST {W}/move",
        f"POST {W}/register",
        f"POST {W}/remove",
        f"POST {W}/replay",
        f"POST {W}/rotate-secret",
        f"POST {W}/skip-fact",
    ),
    **rules("webhooks.words", f"POST {W}/choose-words"),
}
