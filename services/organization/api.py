"""HTTP for the organisation, by what it is about: colleagues, units, calendars, handovers."""

from __future__ import annotations

from services.organization import (
    employees_api,
    handovers_api,
    keys_api,
    units_api,
    workcalendars_api,
)
from shared.web.router import Router

router = Router()
for part in (employees_api, units_api, workcalendars_api, handovers_api, keys_api):
    router.include_router(part.router)

__all__ = ["router"]
