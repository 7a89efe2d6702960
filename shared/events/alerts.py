"""Facts about what somebody has to be told of because time passes (N-07).

Streams: `alert-<id>`, made of the rule, what it is about and the fact that set the clock, and
`win-<opportunity's id>`.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared.events.base import Dated, Event

ForAll = Literal[
    "overdue_commitment",
    "stale_opportunity",
    "cadence_gap",
    "milestone",
    "coverage_gap",
    "post_win_neglect",
    "first_meeting",
]
# What these rules call for is at first the business of whom it concerns alone (K-09).
OwnFirst = Literal["overwork"]
RuleName = Literal[ForAll, OwnFirst]


class AlertRaised(Event, wire="alerts.alert_raised.v1"):
    """By a rule, somebody has to look at something (N-07). It happened when its time came.

    `since` is the day from which the rule counted, `part` which of several things of the subject
    it is about, `set_by` the id of the fact that set the clock.
    """

    rule: ForAll
    subject: str
    part: str = ""
    owner: str | None = None
    since: date
    set_by: str


class AlertRaisedToSelf(Event, wire="alerts.alert_raised_to_self.v1"):
    """By a rule, somebody has to look at something of their own, before others do (N-07, K-09).

    It says what an alert for all says, and up to which day it is told to its owner alone.
    """

    rule: OwnFirst
    subject: str
    part: str = ""
    owner: str
    since: date
    set_by: str
    own_until: date


class AlertAcknowledged(Dated, wire="alerts.alert_acknowledged.v1"):
    """Whom it concerns has seen it."""

    by: str
    note: str | None = None


class CustomerWon(Dated, wire="alerts.customer_won.v1"):
    """A deal was won with this company: from now on it is looked after, or neglected (C-11)."""

    opportunity: str
    company: str
    owner: str | None = None


AlertEvent = AlertRaised | AlertRaisedToSelf | AlertAcknowledged
AlertsEvent = AlertEvent | CustomerWon
