"""HTTP for the calendar, by what it is about: a POST records, a GET reads. Never both."""

from __future__ import annotations

from services.calendar import (
    agendas_api,
    dav_api,
    entries_api,
    feeds_api,
    imports_api,
    improving_api,
    overwork_api,
    private_api,
    productivity_api,
    series_api,
    time_api,
)
from shared.web.router import Router

router = Router()
PARTS = (
    entries_api,
    series_api,
    private_api,
    imports_api,
    feeds_api,
    dav_api,
    time_api,
    improving_api,
    productivity_api,
    overwork_api,
    agendas_api,
)
for part in PARTS:
    router.include_router(part.router)
