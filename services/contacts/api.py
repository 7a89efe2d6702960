"""HTTP for contacts, by what it is about: a POST records, a GET reads. Never both.

The order counts: `/contacts/people/duplicates` is asked for before anybody of that id.
"""

from __future__ import annotations

from services.contacts import (
    attention_api,
    companies_api,
    coverage_api,
    duplicates_api,
    erasing_api,
    field_use_api,
    identities_api,
    notices_api,
    people_api,
    promotions_api,
    search_api,
    segments_api,
    sources_api,
    statements_api,
    surveys_api,
    touches_api,
    vcard_api,
    visits_api,
)
from shared.web.router import Router

router = Router()
PARTS = (
    attention_api,
    coverage_api,
    duplicates_api,
    erasing_api,
    field_use_api,
    identities_api,
    notices_api,
    people_api,
    promotions_api,
    search_api,
    segments_api,
    sources_api,
    statements_api,
    surveys_api,
    companies_api,
    visits_api,
    touches_api,
    vcard_api,
)
for part in PARTS:
    router.include_router(part.router)
