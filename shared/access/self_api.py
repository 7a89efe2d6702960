"""HTTP for who one is to the platform."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from shared.access.principal import Principal
from shared.access.roles import PERMISSIONS, Scope
from shared.web.router import Router

router = Router(tags=["access"])


@router.get("/whoami")
async def whoami(request: Request) -> dict[str, Any]:
    """Who one is as a token or key proves, and how far one reaches in what.

    Where access is open (`SELLERS_ACCESS`) it is whoever `X-Actor` says, and nothing is refused.
    """
    who: Principal | None = getattr(request.state, "principal", None)
    if who is None:
        return {"access": "open", "actor": request.headers.get("x-actor", "anonymous")}
    reaches = {name: who.reach(name) for name in PERMISSIONS}
    return {
        "access": "required",
        "actor": who.actor,
        "employee": who.employee,
        "roles": list(who.roles),
        "reaches": {name: far.name.lower() for name, far in reaches.items() if far > Scope.NONE},
    }
