"""How hypothesis runs here: no deadlines, for they would measure what else the machine does."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("sellers", deadline=None, max_examples=60, print_blob=True)
settings.load_profile("sellers")
