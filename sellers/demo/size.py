"""How large a demo company is: so many sellers."""

from __future__ import annotations

SIZE = 40
SIZE_MAX = 5_000
