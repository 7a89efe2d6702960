"""What this domain does by itself: what a leaver answers for gets another owner. Pure."""

from __future__ import annotations

from shared.handovers import following

POLICIES = (following("contacts", "company", "person", "visit"),)
