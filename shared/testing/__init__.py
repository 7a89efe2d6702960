"""How we test: given/when/then for rules, histories for folds, contracts for ports."""

from shared.testing.generated import check_decider, commands, facts, histories
from shared.testing.histories import check_projection, interleaved, recorded
from shared.testing.log_contract import GroupContract, LogContract
from shared.testing.scenario import Scenario, given
from shared.testing.serving import memory_seals, serving
from shared.testing.store_contract import StoreContract

__all__ = [
    "GroupContract",
    "LogContract",
    "Scenario",
    "StoreContract",
    "check_decider",
    "check_projection",
    "commands",
    "facts",
    "given",
    "histories",
    "interleaved",
    "memory_seals",
    "recorded",
    "serving",
]
