"""What happens to an issue because time passes. Pure: a view says what is due, `decide` decides."""

from __future__ import annotations

from collections.abc import Iterator

from services.issues.model import MissDeadline
from services.issues.projections import IssueCard, issue_card
from shared.timers import Overdue, Timer


def miss_deadline(card: IssueCard) -> Iterator[Overdue]:
    """The deadline has passed and, as far as the card knows, nobody has answered."""
    set_by = card.deadline_set_by
    if card.due_at is not None and card.answer_by is not None and set_by is not None:
        command = MissDeadline(version=set_by.version, set_by=set_by.fact)
        yield Overdue(card.issue, command, deadline=card.answer_by, set_by=set_by.fact)


answer_deadline = Timer("answer_deadline", projection=issue_card, due="due_at", fire=miss_deadline)

TIMERS = (answer_deadline,)
