"""What somebody is told first (K-09): for some days it is theirs alone. Pure."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Own(NamedTuple):
    """Up to the day `until` it is told to nobody but `whose` it is."""

    whose: str
    until: date

    def told_to(self, viewer: str, today: date) -> bool:
        return viewer == self.whose or today > self.until
