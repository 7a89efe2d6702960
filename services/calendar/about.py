"""What a calendar entry says about itself, and how much a private one may. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared.command import Command, Instant
from shared.errors import InvalidError
from shared.events.calendar import Activity, Category
from shared.references import (
    CompanyStream,
    EmployeeStream,
    IssueStream,
    OpportunityStream,
    PersonStream,
)

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000)]
Reason = Annotated[str | None, Field(max_length=1_000)]
# Base64 of what only the owner can read: as much as all of it may say, and what sealing adds.
Sealed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=60_000)]
KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
PEOPLE_MAX = 50

# Longer than a day is not an entry but an absence, and almost always a slip of the year.
LONGEST = timedelta(hours=24)
# Whole days, and what another calendar told us: a fair, a training, a journey.
LONGEST_DAYS = timedelta(days=31)
# Fields that would tell what a private entry is, and what they say where they say nothing.
TELLING: dict[str, Any] = {
    "title": None,
    "person": None,
    "company": None,
    "opportunity": None,
    "people": (),
    "issue": None,
    "place": None,
    "note": None,
    "attendees": (),
    "activity": None,
    "uid": None,
}
ABOUT = tuple(name for name in TELLING if name != "uid")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("no time zone of the IANA database, as Asia/Seoul is one") from error
    return name


Zone = Annotated[str, StringConstraints(max_length=60), AfterValidator(_zone)]


class PrivateInTheClearError(InvalidError):
    """The log never forgets, so what a private entry is reaches it sealed or not at all (K-02)."""

    title = "What a private entry is, is told sealed or not at all"


class About(Command):
    """What it is about, with whom. A private one says it in `sealed`, to its owner alone."""

    category: Category
    title: Text | None = None
    person: PersonStream | None = None
    company: CompanyStream | None = None
    opportunity: OpportunityStream | None = None
    people: tuple[PersonStream, ...] = Field((), max_length=PEOPLE_MAX)
    issue: IssueStream | None = None
    place: Text | None = None
    note: Note | None = None
    attendees: tuple[Text, ...] = Field((), max_length=PEOPLE_MAX)
    activity: Activity | None = None
    busy: bool = True
    # Sealing the same words again gives other bytes: what makes a command the same leaves it out.
    sealed: Sealed | None = Field(None, exclude=True)
    sealed_to: KeyId | None = None

    @model_validator(mode="after")
    def _sealed_for_somebody(self) -> Self:
        if (self.sealed is None) != (self.sealed_to is None):
            raise ValueError("`sealed` and `sealed_to` together, or neither")
        if self.sealed is not None and self.category != "private":
            raise ValueError("only a private entry is sealed")
        return self

    def told(self) -> dict[str, Any]:
        """Return all of it as a fact says it."""
        return {**self.model_dump(), "sealed": self.sealed}


class Timed(About):
    """What stands in somebody's calendar, from when to when."""

    seller: EmployeeStream
    starts_at: Instant
    ends_at: Instant
    all_day: bool = False


def check_private(command: Command, category: Category | None, *more: str) -> None:
    """Refuse whatever a private entry would tell in the clear."""
    if category != "private":
        return
    for name in (*TELLING, *more):
        if getattr(command, name, None) not in (None, ()):
            raise PrivateInTheClearError(
                f"a private entry is stored without {name}: say it in `sealed`",
                field=f"#/{name}",
            )


def check_times(
    start: datetime, end: datetime, field: str, *, longest: timedelta = LONGEST
) -> None:
    if end <= start:
        raise InvalidError("an entry ends after it starts", field=field)
    if end - start > longest:
        most = f"{longest // timedelta(hours=1)} hours"
        raise InvalidError(f"an entry lasts {most} at most", field=field)
