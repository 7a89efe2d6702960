"""Owners of companies are told who came and who went, and say that they know. Pure (C-08).

The company knows its owner: whoever moves, the policy asks both companies, and each decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from shared.command import DatedCommand
from shared.errors import DomainError, NotFoundError
from shared.events import Envelope
from shared.events.contacts import (
    AffiliationEnded,
    MoveAcknowledged,
    MoveNoticed,
    PersonAffiliated,
)
from shared.exact import NOT_BLANK
from shared.policies import Policy, Reaction
from shared.projection import Projection
from shared.references import EmployeeStream

NoticeName = Annotated[str, StringConstraints(max_length=200, pattern=NOT_BLANK)]
What = Literal["there", "gone", "mistaken"]


class NoticeUnknownError(NotFoundError):
    """No owner of this company was told of that."""


class NotToldError(DomainError):
    """Somebody else was told of the move, and answers for the company."""


class NoticeMove(DatedCommand):
    """What the policy asks of a company: tell your owner, if it is no old story."""

    notice: NoticeName
    person: str
    what: What
    # `notice` names the fact that said it: no hash of this command has to hold the words.
    role: str | None = Field(None, exclude=True)
    moved_on: date | None = None


class AcknowledgeMove(DatedCommand):
    notice: NoticeName
    by: EmployeeStream


@dataclass(frozen=True, slots=True)
class Notice:
    """Who was told, and whether they said that they know."""

    owner: str
    acknowledged: bool = False


def notice_move(command: NoticeMove, owner: str | None, days: int) -> list[MoveNoticed]:
    """Tell the owner of today. A company without one is told to nobody; a list shows its moves."""
    told = command.model_dump(exclude={"date_unknown"}) | {"role": command.role}
    moved, today = command.moved_on, command.on
    old = moved is not None and today is not None and (today - moved).days > days
    return [] if owner is None or old else [MoveNoticed(owner=owner, **told)]


def acknowledge_move(
    command: AcknowledgeMove, notice: Notice | None, owner: str | None
) -> list[MoveAcknowledged]:
    if notice is None:
        raise NoticeUnknownError(field="#/notice")
    if command.by not in (notice.owner, owner):
        raise NotToldError(f"{notice.owner} was told", field="#/by")
    if notice.acknowledged:
        return []
    return [MoveAcknowledged(notice=command.notice, by=command.by, on=command.on)]


owners_are_told_who_moved: Policy[Any] = Policy("owners_are_told_who_moved")


@owners_are_told_who_moved.on(PersonAffiliated)
def came(event: PersonAffiliated, at: Envelope) -> Iterator[Reaction]:
    ask = NoticeMove(
        notice=at.id, person=at.stream, what="there", role=event.role, moved_on=event.on
    )
    yield Reaction(event.company, ask)


@owners_are_told_who_moved.on(AffiliationEnded)
def went(event: AffiliationEnded, at: Envelope) -> Iterator[Reaction]:
    what: What = "mistaken" if event.reason == "mistaken" else "gone"
    ask = NoticeMove(notice=at.id, person=at.stream, what=what, moved_on=event.on)
    yield Reaction(event.company, ask)


@dataclass(frozen=True, slots=True)
class MoveNotice:
    """Answers: what has this colleague to know of, and have they said that they do?"""

    key: str
    notice: str = ""
    company: str = ""
    owner: str = ""
    person: str = ""
    what: str = ""
    role: str | None = None
    moved_on: date | None = None
    noticed_on: date | None = None
    is_open: bool = True
    acknowledged_by: str | None = None
    acknowledged_on: date | None = None


move_notice = Projection(
    "move_notice",
    version=1,
    view=MoveNotice,
    indexes=("owner", "company", "person", "is_open"),
    streams=("company",),
)


def _notice(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, MoveNoticed | MoveAcknowledged)
    return (f"{at.stream}/{at.data.notice}",)


@move_notice.on(MoveNoticed, keys=_notice)
def noticed(view: MoveNotice, event: MoveNoticed, at: Envelope) -> MoveNotice:
    told = event.model_dump(exclude={"on"})
    return replace(view, company=at.stream, noticed_on=event.on, **told)


@move_notice.on(MoveAcknowledged, keys=_notice)
def acknowledged(view: MoveNotice, event: MoveAcknowledged, at: Envelope) -> MoveNotice:
    return replace(view, is_open=False, acknowledged_by=event.by, acknowledged_on=event.on)
