"""Who may do what with calendars: what is private is its owner's alone (K-02)."""

from __future__ import annotations

from shared.access.platform import of_domain
from shared.access.rules import EMPLOYEE, PUBLIC, SELLER, UNIT, Of, Rules, rules, seller

ENTRY, SERIES = "/calendar/entries/{entry}", "/calendar/series/{series}"
AGENDA = "/calendar/agendas/{employee}"
IN_BODY = seller("seller", "body")

RULES: Rules = {
    **of_domain("calendar", "calendar.read", Of("stream")),
    # The address of a feed is a secret of its own: other programs cannot sign in.
    **rules(
        PUBLIC,
        "GET /calendar/feeds/{employee}/{token}.ics",
        "GET /calendar/dav/{employee}/{token}/{name}",
        "OPTIONS /calendar/dav/{employee}/{token}/",
        "PROPFIND /calendar/dav/{employee}/{token}/",
        "REPORT /calendar/dav/{employee}/{token}/",
    ),
    **rules("calendar.read", f"GET {ENTRY}", f"GET {ENTRY}/before", whose=[Of("entry", "entry")]),
    **rules("calendar.read", f"GET {SERIES}", whose=[Of("series", "series")]),
    **rules(
        "calendar.read",
        "GET /calendar/entries",
        "GET /calendar/series",
        "GET /calendar/rhythms",
        "GET /calendar/improvement",
        whose=[SELLER],
    ),
    **rules(
        "calendar.read",
        "GET /calendar/time",
        "GET /calendar/productivity",
        "GET /calendar/overwork",
        whose=[SELLER, UNIT],
    ),
    **rules("calendar.read", f"GET {AGENDA}", f"GET {AGENDA}/settings", whose=[EMPLOYEE]),
    **rules(
        "calendar.busy",
        f"GET {AGENDA}/free-busy",
        f"GET {AGENDA}/free-busy.ics",
        whose=[EMPLOYEE],
    ),
    **rules(
        "calendar.write",
        f"POST {ENTRY}/plan",
        # An entry may take the place of one time of a series: of one's own.
        whose=[Of("entry", "entry", otherwise=IN_BODY), Of("series", "series", "body")],
    ),
    **rules(
        "calendar.write",
        f"POST {SERIES}/plan",
        whose=[Of("series", "series", otherwise=IN_BODY)],
    ),
    **rules(
        "calendar.write",
        f"POST {ENTRY}/cancel",
        f"POST {ENTRY}/describe",
        f"POST {ENTRY}/displace",
        f"POST {ENTRY}/done",
        f"POST {ENTRY}/miss",
        f"POST {ENTRY}/move",
        f"POST {ENTRY}/reassign",
        f"POST {ENTRY}/start",
        whose=[Of("entry", "entry")],
    ),
    **rules(
        "calendar.write",
        f"POST {SERIES}/end",
        f"POST {SERIES}/reassign",
        f"POST {SERIES}/skip-occurrence",
        whose=[Of("series", "series")],
    ),
    **rules(
        "calendar.write",
        f"POST {AGENDA}/import-url",
        f"POST {AGENDA}/import.ics",
        f"POST {AGENDA}/see-overwork",
        f"POST {AGENDA}/set-zone",
        whose=[EMPLOYEE],
    ),
    **rules(
        "calendar.private",
        f"POST {ENTRY}/describe-private",
        f"POST {ENTRY}/plan-private",
        whose=[Of("entry", "entry", otherwise=IN_BODY), IN_BODY],
    ),
    **rules(
        "calendar.private",
        f"POST {SERIES}/plan-private",
        whose=[Of("series", "series", otherwise=IN_BODY), IN_BODY],
    ),
    **rules(
        "calendar.private",
        f"POST {AGENDA}/feeds/{{feed}}/open",
        f"POST {AGENDA}/feeds/{{feed}}/revoke",
        f"POST {AGENDA}/register-key",
        whose=[EMPLOYEE],
    ),
}
