"""The ledger: what every pool has left, who holds what, and when more can be promised."""

from ratelord_core.ledger.hold import Asker, Figures, Need, Party, Reconciled, Reset, Resolved
from ratelord_core.ledger.ledger import Hold, Ledger, Proposal, Settlement, Terms

__all__ = [
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
