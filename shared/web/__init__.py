"""HTTP around the domains: what every route needs, by what it is about."""

from shared.web.app import build_app
from shared.web.commands import (
    KEY,
    AtLeast,
    BatchMeta,
    CommandMeta,
    Meta,
    Recorded,
    Viewer,
    outcome_name,
    record,
    recorded,
)
from shared.web.conditional import composed, seen
from shared.web.limits import Limits
from shared.web.paging import PageWanted, Paging, cursor_of, key_of, page
from shared.web.problems import BODY_BYTES_MAX, PROBLEM_TYPE, invalid, refusal
from shared.web.router import StreamId
from shared.web.runtimes import Runtimes, runtime_of, started_runtimes

__all__ = [
    "BODY_BYTES_MAX",
    "KEY",
    "PROBLEM_TYPE",
    "AtLeast",
    "BatchMeta",
    "CommandMeta",
    "Limits",
    "Meta",
    "PageWanted",
    "Paging",
    "Recorded",
    "Runtimes",
    "StreamId",
    "Viewer",
    "build_app",
    "composed",
    "cursor_of",
    "invalid",
    "key_of",
    "outcome_name",
    "page",
    "record",
    "recorded",
    "refusal",
    "runtime_of",
    "seen",
    "started_runtimes",
]
