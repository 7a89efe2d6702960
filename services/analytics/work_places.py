"""Where everybody works, when people work there, and by the days of which zone (N-01, K-07)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.events import Envelope
from shared.events.calendar import AgendaZoneSet
from shared.projection import Projection
from shared.workplaces import places

PLACES = places("analytics_")


@dataclass(frozen=True, slots=True)
class SellerZone:
    """Answers: in which zone are this colleague's days and evenings reckoned?"""

    agenda: str
    zone: str | None = None


seller_zone = Projection("seller_zone", version=1, view=SellerZone, streams=("agenda",))


@seller_zone.on(AgendaZoneSet)
def zone_set(view: SellerZone, event: AgendaZoneSet, at: Envelope) -> SellerZone:
    return replace(view, zone=event.zone)
