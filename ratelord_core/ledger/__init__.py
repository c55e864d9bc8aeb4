"""The ledger: what every pool has left, who holds what, and when more can be promised."""

from ratelord_core.ledger.hold import (
    NOBODY,
    Asker,
    Figures,
    Hold,
    Need,
    Party,
    Proposal,
    Reconciled,
    Reset,
    Resolved,
    Settlement,
    Terms,
)
from ratelord_core.ledger.ledger import Ledger

__all__ = [
    "NOBODY",
    "Asker",
    "Figures",
    "Hold",
    "Ledger",
    "Need",
    "Party",
    "Proposal",
    "Reconciled",
    "Reset",
    "Resolved",
    "Settlement",
    "Terms",
]
