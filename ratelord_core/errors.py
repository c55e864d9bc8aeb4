"""Everything that can go wrong, as one tree.

    RatelordError
    ├── SettingsError        a setting's value cannot be used
    ├── PluginError          a plugin cannot be loaded, or breaks its contract
    ├── StoreError           the log cannot be opened, read or written
    │   ├── StoreLocked      another daemon holds it
    │   ├── StoreCorrupt     its bytes are not what was written
    │   └── StoreNewer       a newer version wrote it
    ├── PolicyError          a policy document is not valid (carries every finding)
    ├── ProviderFailed       a poll did not succeed (kind, retry_after)
    ├── TransportFailed      a message to another daemon was not answered (may_have_acted)
    │   ├── NobodyThere      nobody answers at its address
    │   ├── TooLate          no reply before the deadline
    │   ├── TooLarge         the message, or the reply, is over the bound
    │   ├── TurnedAway       the peer does not take our credential
    │   ├── LeaderMoved      who answers is not the leader any more (address)
    │   └── PeerFailed       the peer could not answer
    └── Refused              the arbiter will not do that; not a denial
        ├── InvalidRequest   malformed or contradictory; fields say where
        ├── NotFound         no such thing
        ├── Conflict         contradicts what already stands
        ├── Forbidden        this caller may not
        └── Unavailable      not now: starting, shutting_down, read_only, overloaded

``code`` is stable and meant for machines; the message says the thing, its value, the next step.
A denial of an intent is an answer, not an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec


class RatelordError(Exception):
    """The root of the tree."""

    code = "error"


class SettingsError(RatelordError):
    """A setting's value cannot be used."""

    code = "settings"


class PluginError(RatelordError):
    """A plugin cannot be loaded, or breaks its contract."""

    code = "plugin"


class StoreError(RatelordError):
    """The log cannot be opened, read or written."""

    code = "store"


class StoreLocked(StoreError):
    """Another daemon holds the log."""

    code = "store_locked"


class StoreCorrupt(StoreError):
    """The log's bytes are not what was written."""

    code = "store_corrupt"


class StoreNewer(StoreError):
    """A newer version wrote the log."""

    code = "store_newer"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong with a document, and where (1-based); a ``warning`` is only
    suspicious."""

    message: str
    line: int = 0
    column: int = 0
    path: str = ""
    hint: str = ""
    severity: str = "error"

    def text(self, source: str) -> str:
        """``file:line:column: message (hint)``."""
        where = f"{source}:{self.line}:{self.column}: " if self.line else f"{source}: "
        kind = "" if self.severity == "error" else f"{self.severity}: "
        return where + kind + self.message + (f" ({self.hint})" if self.hint else "")


class PolicyError(RatelordError):
    """A policy document is not valid."""

    code = "policy_invalid"

    def __init__(self, source: str, findings: Sequence[Finding]) -> None:
        self.source = source
        self.findings = tuple(findings)
        super().__init__("\n".join(finding.text(source) for finding in self.findings))


class ProviderFailed(RatelordError):
    """A poll did not succeed.

    ``kind``: timeout, unreachable, unauthorized, forbidden, rate_limited, server_error, malformed,
    settings (its secret cannot be had), plugin. ``retry_after`` (seconds) is what the provider
    asked for.
    """

    code = "provider_failed"

    def __init__(self, kind: str, detail: str, retry_after: float | None = None) -> None:
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after
        super().__init__(f"{kind}: {detail}")


class TransportFailed(RatelordError):
    """A message to another daemon was not answered.

    ``may_have_acted``: the peer may have received it, and done what it asks. Otherwise it is as if
    nothing had been sent, and sending it again does nothing twice.
    """

    code = "transport_failed"

    def __init__(self, message: str, *, may_have_acted: bool = True) -> None:
        self.may_have_acted = may_have_acted
        super().__init__(message)


class NobodyThere(TransportFailed):
    """Nobody answers at the address, or who did is gone."""

    code = "nobody_there"


class TooLate(TransportFailed):
    """No reply came before the deadline."""

    code = "too_late"


class TooLarge(TransportFailed):
    """The message, or the reply to it, is over the bound."""

    code = "too_large"


class TurnedAway(TransportFailed):
    """The peer does not take our credential."""

    code = "turned_away"

    def __init__(self, message: str) -> None:
        super().__init__(message, may_have_acted=False)


class LeaderMoved(TransportFailed):
    """Who answers is not the leader any more; ``address`` says where it is, empty if nobody knows.

    What answers at the leader's place raises it, and who asked gets it.
    """

    code = "leader_moved"

    def __init__(self, address: str = "") -> None:
        self.address = address
        where = f"; ask the one at {address}" if address else "; ask again once one is elected"
        super().__init__(f"who answers there does not lead any more{where}", may_have_acted=False)


class PeerFailed(TransportFailed):
    """The peer received the message, and could not answer it; its log says why."""

    code = "peer_failed"


_MOST_FAULTS: Final = 100
"""Faults that a refusal names; more are counted only."""


class FieldError(msgspec.Struct, frozen=True):
    """A field of a request and what is wrong with it."""

    field: str
    message: str


class Refused(RatelordError):
    """The arbiter will not do that."""

    code = "refused"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class InvalidRequest(Refused):
    """Malformed or contradictory."""

    code = "invalid_request"

    def __init__(
        self, message: str, *, code: str | None = None, fields: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(message, code=code)
        self.fields = tuple(fields)

    @classmethod
    def naming(cls, found: Sequence[FieldError], *, code: str | None = None) -> InvalidRequest:
        """The refusal for these faults: one line, the first ten in words, a hundred as fields."""
        told = "; ".join(f"{fault.field}: {fault.message}" for fault in found[:10])
        more = f"; and {len(found) - 10} more" if len(found) > 10 else ""
        return cls(told + more, code=code, fields=found[:_MOST_FAULTS])


class NotFound(Refused):
    """No such thing."""

    code = "not_found"


class Conflict(Refused):
    """Contradicts what already stands."""

    code = "conflict"


class Forbidden(Refused):
    """This caller may not."""

    code = "forbidden"


class Unavailable(Refused):
    """Not now; ``retry_after`` in seconds says when."""

    code = "unavailable"

    def __init__(self, message: str, *, code: str | None = None, retry_after: float = 1.0) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


def in_one_line(error: BaseException) -> str:
    """A stranger's error as its kind and what it says, which may span lines, or be nothing."""
    said = " ".join(str(error).split())
    kind = type(error).__name__
    return f"{kind}: {said}" if said else kind
