"""The rules of routes that no domain has: operations, subscriptions, descriptions, bulk."""

from __future__ import annotations

from shared.access.rules import PUBLIC, Rule, Rules, Whose, rules

RULES: Rules = {
    **rules(
        PUBLIC,
        "GET /livez",
        "GET /readyz",
        # Numbers and names of routes, nothing of anybody; a scrape has no token.
        "GET /metrics",
        "GET /openapi.json",
        "GET /docs",
        "GET /docs/files",
        "GET /schemas",
        "GET /schemas/{wire}",
    ),
    **rules("self", "GET /whoami"),
    **rules("subscribe", "GET /events", "GET /views/{name}/changes"),
    **rules(
        "operate",
        "GET /lag",
        "GET /timers",
        "GET /views",
        "POST /views/{name}/rebuild",
        "GET /topics",
        "GET /verify",
        "GET /trace/{stream}",
        "GET /parked",
        "GET /parked/dropped",
        "POST /parked/replay",
        "POST /parked/drop",
        "GET /data-diet",
    ),
}


def of_domain(name: str, history: str, *whose: Whose) -> dict[str, Rule]:
    """Return the rules of what every domain serves: many commands at once, a stream's facts."""
    return {
        f"POST /{name}/commands": Rule("import"),
        f"GET /{name}/history/{{stream}}": Rule(history, whose),
    }
