"""How we test: given/when/then for rules, histories for folds, contracts for ports."""

from shared.testing.histories import check_projection, interleaved, recorded
from shared.testing.log_contract import GroupContract, LogContract
from shared.testing.scenario import Scenario, given
from shared.testing.store_contract import StoreContract

__all__ = [
    "GroupContract",
    "LogContract",
    "Scenario",
    "StoreContract",
    "check_projection",
    "given",
    "interleaved",
    "recorded",
]
