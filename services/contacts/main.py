"""Composes the contacts domain."""

from __future__ import annotations

from services.contacts.api import router
from services.contacts.model import (
    Affiliate,
    Company,
    DescribeCompany,
    EndAffiliation,
    MirrorCompany,
    Person,
    PlaceCompanyUnder,
    RegisterCompany,
    RegisterPerson,
    decide_company,
    decide_person,
    evolve_company,
    evolve_person,
)
from services.contacts.projections import PROJECTIONS
from shared.service import Decider, Domain

domain = Domain(
    name="contacts",
    deciders={
        "person": Decider(
            Person(),
            decide_person,
            evolve_person,
            {
                "register": RegisterPerson,
                "affiliate": Affiliate,
                "end_affiliation": EndAffiliation,
            },
        ),
        "company": Decider(
            Company(),
            decide_company,
            evolve_company,
            {
                "register": RegisterCompany,
                "place_under": PlaceCompanyUnder,
                "describe": DescribeCompany,
                "mirror": MirrorCompany,
            },
        ),
    },
    projections=PROJECTIONS,
    intake=("touches",),
)

__all__ = ["domain", "router"]
