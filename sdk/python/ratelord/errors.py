"""What the client raises, as one tree.

    RatelordError
    ├── Denied               a guard was told no (carries the decision)
    ├── DaemonUnreachable    no connection, or no answer in time
    ├── UpstreamError        the daemon answered 5xx, 429, or something that is no answer
    ├── RequestRefused       the daemon will not do that: 4xx, with its code and field errors
    └── ClientClosed         asked through a client that was closed before

``ask`` turns the second and the third into a decision; every other call raises them. Messages never
hold a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ratelord.decision import Decision


class RatelordError(Exception):
    """The root of the tree."""

    code = "error"
    retry_after: float | None = None
    """Seconds the daemon asked for, if it did."""
    outcome_unknown: bool = False
    """Whether the daemon may have acted although no answer came."""


class Denied(RatelordError):
    """A guard was told no; ``decision`` says why and when to come back."""

    code = "denied"

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.retry_after = decision.retry_after_seconds
        super().__init__(f"denied ({decision.reason_code}): {decision.reason}")


class DaemonUnreachable(RatelordError):
    """No connection to the daemon, or no answer in time."""

    code = "daemon_unreachable"

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        self.outcome_unknown = outcome_unknown
        super().__init__(message)


class UpstreamError(RatelordError):
    """The daemon (or something before it) answered, but not the question.

    ``status`` is the HTTP status; ``upstream_code`` the problem's code, if it sent one.
    """

    code = "upstream_error"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        upstream_code: str = "",
        retry_after: float | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        self.status = status
        self.upstream_code = upstream_code
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown
        super().__init__(message)


class RequestRefused(RatelordError):
    """The daemon will not do that. ``code`` is stable; ``errors`` are (field, message) pairs."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        errors: Sequence[tuple[str, str]] = (),
        request_id: str = "",
        problem: dict[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.errors = tuple(errors)
        self.request_id = request_id
        self.problem = problem or {}
        super().__init__(message)


class ClientClosed(RatelordError):
    """Asked through a client that was closed before: that says nothing of the daemon."""

    code = "client_closed"
