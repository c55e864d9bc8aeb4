"""Which polls of a simulated provider fail, and how: decided by their number and a seed alone."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.model.instant import SECOND, Micros, to_seconds

HANG: Final = "hang"
"""A poll that never answers."""
SLOW: Final = "slow"
"""A poll that takes its time, and answers well."""
RAISE: Final = "raise"
"""A poll in which the plugin itself breaks."""
HTML: Final = "html"
"""A page in place of numbers, as a network's log-in gives with a status of 200."""

FAILURES: Final = (
    "timeout",
    "unreachable",
    "unauthorized",
    "forbidden",
    "rate_limited",
    "server_error",
    "malformed",
    "settings",
)
"""The kinds of a ``ProviderFailed``."""
TROUBLES: Final = (*FAILURES, HTML, RAISE, HANG, SLOW)


class Fault(msgspec.Struct, frozen=True):
    """How polls number ``first`` … ``first + count − 1`` fail."""

    first: int
    count: int = 1
    kind: str = "server_error"
    retry_after: Micros | None = None
    takes: Micros = SECOND

    def error(self, poll: int) -> Exception:
        """What that poll raises."""
        if self.kind == RAISE:
            return RuntimeError(f"simulated, on poll {poll}")
        if self.kind == HTML:
            return ProviderFailed("malformed", f"a page in place of numbers, on poll {poll}")
        wait = None if self.retry_after is None else to_seconds(self.retry_after)
        return ProviderFailed(self.kind, f"simulated, on poll {poll}", wait)


class Faults(msgspec.Struct, frozen=True):
    """Scheduled faults, and beside them a share (``rate``) of all polls, chosen by the seed."""

    scheduled: tuple[Fault, ...] = ()
    rate: float = 0.0
    kinds: tuple[str, ...] = ("server_error",)

    def of(self, poll: int, seed: str) -> Fault | None:
        """The fault of the poll with this number (1 = the first ever), if it has one."""
        for fault in self.scheduled:
            if fault.first <= poll < fault.first + fault.count:
                return fault
        if chance(f"{seed}:fault:{poll}") >= self.rate:
            return None
        kind = self.kinds[int(chance(f"{seed}:kind:{poll}") * len(self.kinds))]
        return Fault(poll, kind=kind)


def chance(seed: str) -> float:
    """A number in [0, 1) that depends on the seed alone."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6], "big") / 2**48
