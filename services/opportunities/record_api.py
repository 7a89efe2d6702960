"""HTTP for what is known about winning an opportunity: a POST records, a GET reads. Never both."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from services.opportunities.record import commands
from services.opportunities.record.views import OpportunityRecord, opportunity_record
from shared.command import Command
from shared.runtime import Runtime
from shared.web import AtLeast, CommandMeta, Recorded, StreamId, record, runtime_of, seen
from shared.web.router import Router, stream_id

router = Router(tags=["opportunities"])
Opportunities = Annotated[Runtime, Depends(runtime_of("opportunities"))]

TAKEN: dict[str, type[Command]] = {
    "make-real": commands.MakeReal,
    "record-evidence": commands.RecordEvidence,
    "agree-next-step": commands.AgreeNextStep,
    "complete-next-step": commands.CompleteNextStep,
    "join-team": commands.JoinTeam,
    "leave-team": commands.LeaveTeam,
    "assess-person": commands.AssessPerson,
    "release-person": commands.ReleasePerson,
    "choose-positioning": commands.ChoosePositioning,
    "assess-competitor": commands.AssessCompetitor,
    "withdraw-competitor": commands.WithdrawCompetitor,
    "agree-action": commands.AgreeAction,
    "complete-action": commands.CompleteAction,
    "drop-action": commands.DropAction,
    "hold-coaching": commands.HoldCoaching,
    "note-coaching-outcome": commands.NoteCoachingOutcome,
    "ask-question": commands.AskQuestion,
    "answer-question": commands.AnswerQuestion,
    "snooze": commands.Snooze,
    "resume": commands.Resume,
    "share-credit": commands.ShareCredit,
    "report-hand-off": commands.ReportHandOff,
    "commit": commands.Commit,
    "withdraw-commitment": commands.WithdrawCommitment,
}


def take(parent: Router, path: str, kind: str, what: str, kind_of: type[Command]) -> None:
    """Make a route that records one kind of command, alike for all of them."""

    async def taken(
        stream: str, command: Any, runtime: Opportunities, meta: CommandMeta, response: Response
    ) -> Recorded:
        return await record(runtime, f"{kind}-{stream}", command, meta, response)

    taken.__annotations__ |= {
        "stream": stream_id(kind),
        "command": kind_of,
    }
    name, told = what.replace("-", "_"), (kind_of.__doc__ or "").partition("\n")[0]
    parent.post(f"{path}/{{{kind}}}/{what}", status_code=202, name=name, description=told)(taken)


for _what, _command in TAKEN.items():
    take(router, "/opportunities", "opportunity", _what, _command)


@router.get("/opportunities/{opportunity}/record")
async def get_record(
    opportunity: StreamId,
    runtime: Opportunities,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> OpportunityRecord:
    """All that is known about it, for one screen."""
    found = await runtime.reader(opportunity_record).get(f"opportunity-{opportunity}", at_least)
    told: OpportunityRecord = seen(found, "opportunity", request, response)
    return told
