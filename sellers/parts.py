"""Which part of the platform a process runs: all of it, or one piece of what runs side by side.

Rule: every part is composed of the same pieces as the whole, so that what holds there holds here.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["whole", "api", "projector", "platform"]
USAGE = "python -m sellers.node [whole | api DOMAIN | projector DOMAIN | platform]"


@dataclass(frozen=True, slots=True)
class Part:
    """`whole`: every domain in one process. Otherwise one half of a domain, or what is about all.

    An `api` decides, publishes and reads; a `projector` folds, and decides what policies and timers
    ask for; the `platform` answers for all domains how far they are, and gives facts and views to
    subscribers.
    """

    kind: Kind = "whole"
    domain: str | None = None

    @property
    def name(self) -> str:
        return self.kind if self.domain is None else f"{self.domain} {self.kind}"

    @property
    def writes(self) -> bool:
        return self.kind in {"whole", "api"}

    @property
    def folds(self) -> bool:
        return self.kind in {"whole", "projector"}

    @property
    def answers_for_domains(self) -> bool:
        """Whether its routes are those of its domains."""
        return self.kind in {"whole", "api"}

    @property
    def answers_for_all(self) -> bool:
        """Whether it knows every domain, and what the Faust worker folds."""
        return self.kind in {"whole", "platform"}

    def has(self, domain: str) -> bool:
        return self.domain in {None, domain}


WHOLE = Part()


def part_of(words: Sequence[str], domains: Collection[str]) -> Part:
    """Return the part that these words name; who says something else is told what there is.

    Raises:
        SystemExit: the words name none.

    """
    parser = argparse.ArgumentParser(prog="node", usage=USAGE)
    parts = parser.add_subparsers(dest="kind")
    parts.add_parser("whole", help="every domain in one process (without a word, too)")
    api = parts.add_parser("api", help="decides and answers for one domain")
    projector = parts.add_parser("projector", help="folds the views of one domain")
    parts.add_parser("platform", help="answers for all domains: lag, parked facts, subscriptions")
    for one in (api, projector):
        one.add_argument("domain", choices=sorted(domains))
    told = parser.parse_args(words)
    return Part(told.kind or "whole", getattr(told, "domain", None))
