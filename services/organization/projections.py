"""What people ask about the organisation: every projection of this domain. Pure folds.

What holds on a day is said when asked: a card has the dated lists, and `on` reads them.
"""

from __future__ import annotations

from services.organization.employee_views import Assignment, EmployeeCard, employee_card
from services.organization.handover_views import HandoverCard, handover_card
from services.organization.held import Held
from services.organization.key_views import KeyCard, key_card
from services.organization.owned_items import OwnedItem, owned_item
from services.organization.unit_views import UnitCard, unit_card
from services.organization.workcalendar_views import (
    DayOff,
    WorkcalendarCard,
    workcalendar_card,
)

PROJECTIONS = (employee_card, unit_card, workcalendar_card, handover_card, owned_item, key_card)

__all__ = [
    "PROJECTIONS",
    "Assignment",
    "DayOff",
    "EmployeeCard",
    "HandoverCard",
    "Held",
    "KeyCard",
    "OwnedItem",
    "UnitCard",
    "WorkcalendarCard",
    "employee_card",
    "handover_card",
    "key_card",
    "owned_item",
    "unit_card",
    "workcalendar_card",
]
