"""What this domain does by itself: the entries of a leaver get another owner. Pure."""

from __future__ import annotations

from shared.handovers import following

POLICIES = (following("calendar", "entry", "series"),)
