"""How each domain follows when what a colleague looks after is handed over (C-09). Pure.

The organisation says which streams move to whom; the domain that a stream belongs to gives it
another owner, unless it was closed or somebody else took it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.command import DatedCommand
from shared.events import Envelope
from shared.events.organization import HandoverItemsMoved
from shared.policies import Policy, Reaction
from shared.references import EmployeeStream


class TakeOver(DatedCommand):
    """From that day on it is the receiver's, if it is still the giver's. Nobody asks by hand.

    `part` names what has an owner of its own within the stream, such as a promise of a visit.
    """

    giver: EmployeeStream
    receiver: EmployeeStream
    part: str | None = None

    def moves(self, owner: str | None) -> bool:
        """Whether that changes anything where this colleague is the owner."""
        return owner == self.giver != self.receiver


def following(domain: str, *kinds: str) -> Policy[HandoverItemsMoved]:
    """Return the policy by which a domain hands over its streams of these kinds."""
    policy: Policy[HandoverItemsMoved] = Policy(f"{domain}_follow_a_handover")

    @policy.on(HandoverItemsMoved)
    def items_moved(event: HandoverItemsMoved, at: Envelope) -> Iterator[Reaction]:
        take_over = TakeOver(
            giver=event.employee,
            receiver=event.receiver,
            on=event.on,
            date_unknown=event.on is None,
        )
        for one in event.items:
            stream, _, part = one.item.partition("/")
            if stream.partition("-")[0] in kinds:
                yield Reaction(stream, take_over.model_copy(update={"part": part or None}))

    return policy
