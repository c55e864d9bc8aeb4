"""Whether an account works: healthy, degraded after failures, open after too many of them."""

from __future__ import annotations

from typing import Final

import msgspec

INITIALIZING: Final = "initializing"
HEALTHY: Final = "healthy"
DEGRADED: Final = "degraded"
OPEN: Final = "open"

STATES: Final = frozenset({INITIALIZING, HEALTHY, DEGRADED, OPEN})


class Circuit(msgspec.Struct, frozen=True):
    """The breaker of one account.

    ``threshold`` failures in a row open it. An open circuit rests until its next due instant; the
    poll made then is the probe: its success closes the circuit, its failure lets it rest longer.
    ``unauthorized`` counts the refusals of the credential in a row; ``refusals`` of them are
    enough to suspect it.
    """

    state: str = INITIALIZING
    failures: int = 0
    unauthorized: int = 0
    threshold: int = 5
    refusals: int = 3

    def succeeded(self) -> Circuit:
        """After a poll that succeeded: healthy, and everything forgotten."""
        return Circuit(HEALTHY, 0, 0, self.threshold, self.refusals)

    def failed(self, kind: str) -> Circuit:
        """After a poll that failed with this kind."""
        failures = self.failures + 1
        refused = self.unauthorized + 1 if kind == "unauthorized" else 0
        opened = failures >= self.threshold or self.state == OPEN
        state = OPEN if opened else DEGRADED
        return Circuit(state, failures, refused, self.threshold, self.refusals)

    @property
    def credential_suspect(self) -> bool:
        """Whether this very failure made the refusals enough: true once in a row of them."""
        return self.unauthorized == self.refusals
