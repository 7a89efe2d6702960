"""What each colleague looks after in all domains: the projection with the folds of each. Pure.

A domain whose things have owners adds a module of its own here.
"""

from __future__ import annotations

from services.organization import (
    owned_contacts,
    owned_deals,
    owned_duties,
    owned_entries,
    owned_visits,
)
from services.organization.owned_views import Handed, Kind, OwnedItem, owned_item

FOLDED_IN = (owned_contacts, owned_deals, owned_duties, owned_entries, owned_visits)

__all__ = ["FOLDED_IN", "Handed", "Kind", "OwnedItem", "owned_item"]
