"""Which events a reader wants, as options of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ratelord_core.cli import known_ids
from ratelord_core.cli.outcome import USAGE, CommandFailed

if TYPE_CHECKING:
    from ratelord.readers import EventFilters


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WhichEvents:
    """Which events.

    Parameters
    ----------
    after
        Only events after this seq.
    before
        Only events before this seq.
    type
        Only this event type; several are separated by commas.
    agent
        Only this agent.
    identity
        Only this identity.
    workload
        Only this workload.
    scope
        Only this scope.
    pool
        Only events about this pool.
    since
        Only from this time on (RFC 3339).
    until
        Only before this time (RFC 3339).
    """

    after: int | None = None
    before: int | None = None
    type: str | None = None
    agent: Annotated[str | None, Parameter(completer=known_ids.agents)] = None
    identity: Annotated[str | None, Parameter(completer=known_ids.identities)] = None
    workload: Annotated[str | None, Parameter(completer=known_ids.workloads)] = None
    scope: Annotated[str | None, Parameter(completer=known_ids.scopes)] = None
    pool: Annotated[str | None, Parameter(completer=known_ids.pools)] = None
    since: Annotated[str | None, Parameter(name="--from")] = None
    until: Annotated[str | None, Parameter(name="--to")] = None

    @property
    def bounded(self) -> bool:
        """Whether they end somewhere, so that there is nothing to follow."""
        return any(bound is not None for bound in (self.before, self.since, self.until))

    def about(self) -> EventFilters:
        """What they are about."""
        return {
            "type": self.type,
            "agent_id": self.agent,
            "identity_id": self.identity,
            "workload_id": self.workload,
            "scope_id": self.scope,
            "pool": self.pool,
        }

    def page(self, limit: int) -> EventFilters:
        """The newest of them; or, after a seq, the next."""
        return {
            **self.about(),
            "after": self.after,
            "before": self.before,
            "since": self.since,
            "until": self.until,
            "limit": limit,
            "order": "desc" if self.after is None else "asc",
        }


ALL = WhichEvents()


def check_types(types: str | None) -> None:
    """Whether there are such event types: of one that is mistyped nothing would ever be shown."""
    if types is None:
        return
    from difflib import get_close_matches

    from ratelord_core.events.catalogue import CATALOGUE

    for name in types.split(","):
        if name.strip() not in CATALOGUE:
            near = get_close_matches(name, CATALOGUE) or sorted(CATALOGUE)
            said = f"there is no event type {name[:64]!r}; there are {', '.join(near)}"
            raise CommandFailed(said, USAGE)
