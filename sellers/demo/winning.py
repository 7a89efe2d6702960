"""How a deal is won: evidence, next steps, the plan, coaching, commitments, what comes after. Pure.

A few deals are told in full; of the others only what a seller types in passing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sellers.demo import names
from sellers.demo.company import CURRENCY, Promise
from sellers.demo.days import quarter_end
from sellers.demo.items import Item

if TYPE_CHECKING:
    from sellers.demo.chance import Chance
    from sellers.demo.deals import Deal

IN_FULL, SHOWN, RESTING, SHARED, HANDED_OFF, WITHDRAWN = 0.06, 0.1, 0.08, 0.1, 0.4, 0.3
LESS, CALLED_OFF = 0.1, 0.05
BACK = 0.03
# In how many days it closes, as sellers say, and how many left of a quarter make them hurry.
CLOSES_IN, HURRIED = timedelta(days=21), timedelta(days=7)
COMMITTED = {"Proposal": ("upside", 0.15), "Negotiation": ("commit", 0.5)}
COACHED = {"Engaging": "management", "Proposal": "goal", "Negotiation": "kpi"}
AFTERWARDS = (
    ("order", "confirmed", 2),
    ("contract", "signed", 6),
    ("fulfilment", "shipped", 20),
    ("finance", "invoiced", 27),
)
INFLUENCES = ("decides", "strong", "some")
STANCES = ("champion", "supporter", "neutral", "sceptic")


@dataclass(slots=True)
class Winning:
    """What is told of one deal beside its stages; a chance of its own changes nothing else."""

    deal: Deal
    chance: Chance
    in_full: bool
    open_actions: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    committed: str | None = None

    def begun(self, day: date) -> Iterator[Item]:
        """Who helps, who else wants it, what we want to be for the customer."""
        if not self.in_full:
            return
        deal, chance, item = self.deal, self.chance, self.deal.item
        mates = deal.world.sellers[: deal.world.maker.size]
        mate, role = chance.pick(mates), chance.pick(names.TEAM_ROLES)
        yield item("join_team", day, employee=mate.stream, role=role)
        if chance.happens(0.15):
            yield item("leave_team", day, employee=mate.stream, reason="another deal")
        yield item("choose_positioning", day, positioning=chance.pick(names.POSITIONINGS))
        rival = chance.pick(names.COMPETITORS)
        told = {"strength": chance.pick(names.STRENGTHS), "answer": chance.pick(names.ANSWERS)}
        yield item("assess_competitor", day, competitor=rival, **told)
        if chance.happens(0.2):
            yield item("withdraw_competitor", day, competitor=rival, reason="no local service")
        first, *others = deal.customer.people
        for person in (first, *others[:1]):
            said = {"influence": chance.pick(INFLUENCES), "stance": chance.pick(STANCES)}
            through = first.stream if person is not first else None
            yield item("assess_person", day, person=person.stream, reached_through=through, **said)
        if others and chance.happens(0.2):
            gone = {"person": others[0].stream, "reason": "another department decides"}
            yield item("release_person", day, **gone)

    def entered(self, stage: str, day: date, leaves: date) -> Iterator[Item]:
        """What is agreed when a stage begins; what is committed to."""
        if stage in COMMITTED:
            yield from self._committed(stage, day, leaves)
        if not self.in_full or stage not in COACHED:
            return
        deal, chance = self.deal, self.chance
        facts, problem, cause = chance.pick(names.COACHING)
        team, due = deal.looked_after.team, day + timedelta(days=10)
        session, action = f"coaching-{stage}", f"action-{stage}"
        agreed = {"action": action, "what": chance.pick(names.NEXT_STEPS)}
        agreed |= {"owner": deal.owner.stream, "due_on": due.isoformat()}
        yield deal.item(
            "hold_coaching",
            day,
            session=session,
            step=COACHED[stage],
            coach=deal.world.maker.stream("employee", "leader", f"team {team}"),
            facts=facts,
            problem=problem,
            cause=cause,
            actions=[agreed],
        )
        self.open_actions.append(action)
        words, answer, validates = chance.pick(names.QUESTIONS)
        told = {"question": f"question-{stage}", "words": words, "validates": validates}
        person, by = chance.pick(deal.customer.people).stream, deal.owner.stream
        yield deal.item("ask_question", day, **told, person=person, asked_by=by)
        self.asked.append((told["question"], answer))

    def left(self, leaves: date) -> Iterator[Item]:
        """What came of it when the stage is over."""
        item, chance = self.deal.item, self.chance
        for action in self.open_actions:
            if chance.happens(0.75):
                yield item("complete_action", leaves, action=action, outcome="done")
            else:
                yield item("drop_action", leaves, action=action, reason="not needed any more")
            session = action.replace("action", "coaching")
            said = chance.pick(names.COACHED)
            yield item("note_coaching_outcome", leaves, session=session, outcome=said)
        for question, answer in self.asked:
            verdict = chance.weighted(("confirmed", "refuted", "open"), (5, 2, 1))
            told = {"question": question, "answer": answer, "verdict": verdict}
            yield item("answer_question", leaves, **told)
        self.open_actions.clear()
        self.asked.clear()

    def _committed(self, stage: str, day: date, leaves: date) -> Iterator[Item]:
        confidence, often = COMMITTED[stage]
        if not self.chance.happens(often):
            return
        deal = self.deal
        told = {"seller": deal.owner.stream, "confidence": confidence}
        told |= {"amount": f"{deal.amount:.2f}", "currency": CURRENCY}
        told["close_on"] = closes(day).isoformat()
        yield deal.item("commit", day, **told)
        self.committed = deal.owner.stream
        line = {"opportunity": deal.stream, **told}
        deal.world.promises.append(Promise(deal.looked_after.team, day, line, leaves))

    def shown(self, stage: str, day: date) -> dict[str, Any]:
        """Return what is told together with a new stage."""
        if not (self.in_full or self.chance.happens(SHOWN)):
            return {}
        return {
            "stage": stage,
            "evidence": self.chance.pick(names.EVIDENCE),
            "next_step": self.chance.pick(names.NEXT_STEPS),
            "next_step_due_on": day + timedelta(days=self.chance.between(3, 14)),
        }

    def lost(self, day: date) -> Iterator[Item]:
        if self.committed is not None and self.chance.happens(WITHDRAWN):
            told = {"seller": self.committed, "reason": "the customer hesitates"}
            yield self.deal.item("withdraw_commitment", day, **told)

    def back(self, stage: str, day: date) -> Iterator[Item]:
        """A few that were lost come back."""
        on = self.deal.world.days.on_or_after(day + timedelta(days=25))
        if self.chance.happens(BACK) and not self.deal.over(on):
            yield self.deal.item("reopen", on, stage=stage)

    def won(self, day: date, value: Decimal) -> Iterator[Item]:
        """Who shares the credit, and how far the order has got, as the ERP says."""
        deal, chance = self.deal, self.chance
        units = sorted(set(deal.world.divisions))
        if len(units) > 1 and chance.happens(SHARED):
            ours = deal.world.division_of(deal.looked_after.team)
            other = chance.pick([unit for unit in units if unit != ours])
            shares = [
                {"division": ours, "percent": "70"},
                {"division": other, "percent": "30"},
            ]
            yield deal.item("share_credit", day, introduced_by=other, shares=shares)
        if not chance.happens(HANDED_OFF):
            return
        if chance.happens(LESS):
            value *= Decimal("0.9")
        calls_off = chance.happens(CALLED_OFF)
        for step, status, days in AFTERWARDS:
            on = day + timedelta(days=days)
            if deal.over(on):
                return
            if step == "fulfilment" and calls_off:
                yield self._handed_off("order", "cancelled", on)
                return
            amount = {"amount": f"{value:.2f}", "currency": CURRENCY}
            yield self._handed_off(step, status, on, **amount)

    def _handed_off(self, step: str, status: str, on: date, **amount: str) -> Item:
        told = {"step": step, "status": status, "reference": f"{step[:2].upper()}-{self.deal.n}"}
        return self.deal.item("report_hand_off", on, **told, **amount, system="ERP")

    def open_still(self) -> Iterator[Item]:
        """Some rest at the end; of some the next step was taken just now."""
        deal, last = self.deal, self.deal.world.days.all[-1]
        if self.in_full:
            what = self.chance.pick(names.EVIDENCE)
            yield deal.item("record_evidence", last, what=what)
            told = {"what": self.chance.pick(names.NEXT_STEPS), "owner": deal.owner.stream}
            due = last + timedelta(days=7)
            yield deal.item("agree_next_step", last, **told, due_on=due)
            if self.chance.happens(0.4):
                yield deal.item("complete_next_step", last, outcome=self.chance.pick(names.COACHED))
        elif self.chance.happens(RESTING):
            resume = last + timedelta(days=self.chance.between(10, 60))
            reason = self.chance.pick(names.RESTS)
            yield deal.item("snooze", last, reason=reason, resume_on=resume)
            if self.chance.happens(0.3):
                yield deal.item("resume", last, reason="they called")


def closes(day: date) -> date:
    """Return when it closes, as a seller says on this day: before the quarter is over, if it can.

    So there is something to close up to the last day of a quarter.
    """
    last, usually = quarter_end(day), day + CLOSES_IN
    return min(usually, last) if last - day >= HURRIED else usually


def winning(deal: Deal) -> Winning:
    chance = deal.world.chance("winning", deal.n)
    return Winning(deal, chance, chance.happens(IN_FULL))
