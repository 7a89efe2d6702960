"""What this domain does by itself: issues and promises of a leaver get another owner. Pure."""

from __future__ import annotations

from shared.handovers import following

POLICIES = (following("issues", "issue", "commitment"),)
