"""Composes the opportunities domain."""

from __future__ import annotations

from services.opportunities.api import router
from services.opportunities.model import (
    Advance,
    Discover,
    InvolvePerson,
    Lose,
    Mirror,
    Opportunity,
    Reassign,
    Reopen,
    Revalue,
    Win,
    decide,
    evolve,
)
from services.opportunities.products import (
    ListProduct,
    MirrorProduct,
    Product,
    Reprice,
    decide_product,
    evolve_product,
)
from services.opportunities.projections import PROJECTIONS
from shared.service import Decider, Domain

domain = Domain(
    name="opportunities",
    deciders={
        "opportunity": Decider(
            Opportunity(),
            decide,
            evolve,
            {
                "discover": Discover,
                "advance": Advance,
                "win": Win,
                "lose": Lose,
                "reopen": Reopen,
                "reassign": Reassign,
                "revalue": Revalue,
                "involve_person": InvolvePerson,
                "mirror": Mirror,
            },
        ),
        "product": Decider(
            Product(),
            decide_product,
            evolve_product,
            {"list": ListProduct, "reprice": Reprice, "mirror": MirrorProduct},
        ),
    },
    projections=PROJECTIONS,
)

__all__ = ["domain", "router"]
