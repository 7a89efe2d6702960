"""Where sellers work and when people work there (K-07, K-10)."""

from __future__ import annotations

from shared.workplaces import places

PLACES = places()
