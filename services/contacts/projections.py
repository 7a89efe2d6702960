"""What people ask about the people we sell to: one projection for each question.

Facts of a person, of a company and of touches arrive in any order, so every fold that combines
them gives the same view whatever the interleaving.
"""

from __future__ import annotations

from services.contacts.attention import opportunity_turns, touch_days
from services.contacts.company_views import CompanyCard, company_card, company_people
from services.contacts.duplicates import duplicate_block
from services.contacts.erasing import erasure, person_consents
from services.contacts.field_use import field_use
from services.contacts.identities import identity_card
from services.contacts.notices import move_notice
from services.contacts.person_views import PersonCard, person_card
from services.contacts.promotions import person_promotions
from services.contacts.readings import fields_read
from services.contacts.search import search_entry
from services.contacts.segments import segment_card
from services.contacts.sources import touch_sources
from services.contacts.statement_views import person_statements
from services.contacts.surveys import survey_question
from services.contacts.timelines import timeline
from services.contacts.visits import visit_card

PROJECTIONS = (
    person_card,
    person_statements,
    person_consents,
    erasure,
    timeline,
    company_card,
    company_people,
    move_notice,
    duplicate_block,
    touch_days,
    touch_sources,
    opportunity_turns,
    visit_card,
    survey_question,
    person_promotions,
    search_entry,
    segment_card,
    field_use,
    fields_read,
    identity_card,
)

__all__ = ["PROJECTIONS", "CompanyCard", "PersonCard", "company_card", "person_card", "timeline"]
