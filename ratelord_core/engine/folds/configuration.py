"""The daemon's own life and what it was told: starts, configuration, policy, status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ratelord_core.engine.folds.pools import declare
from ratelord_core.engine.prices import Prices
from ratelord_core.events.payloads import (
    ConfigLoaded,
    PolicyUpdated,
    SystemStarted,
    SystemStatusChanged,
)
from ratelord_core.forecast import RiskLevels
from ratelord_core.ledger import Terms
from ratelord_core.model.config import Settings, Topology
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.instant import Micros

if TYPE_CHECKING:
    from ratelord_core.engine.state import State

_topology = msgspec.json.Decoder(Topology).decode
_settings = msgspec.json.Decoder(Settings).decode
_pricing = msgspec.json.Decoder(dict[str, dict[str, float]]).decode


def started(state: State, at: Micros, _who: Dimensions, _id: str, _e: SystemStarted) -> None:
    """A daemon took charge: what providers said is as old as that, at least."""
    state.polling.started_at = at


def configured(state: State, at: Micros, _who: Dimensions, _id: str, e: ConfigLoaded) -> None:
    """Everything that the configuration says, in place of what it said before."""
    state.topology = _topology(e.topology)
    patterns = (name[:-1] for name in state.topology.agents if name.endswith("*"))
    state.agent_patterns = sorted(patterns, key=len, reverse=True)
    state.settings = _settings(e.settings)
    state.prices = Prices(_pricing(e.pricing))
    state.ledger.terms = Terms(state.settings.high_reserve_percent)
    for account in state.ledger.accounts.values():
        account.reserve(state.settings.high_reserve_percent)
    state.book.levels = RiskLevels.of(state.settings)
    state.identities.declare(state.topology.identities, at)
    state.graph.configure(state.topology, e.pools)
    for pool in e.pools:
        declare(state, pool, at)
    state.divisions.of_pools(account.pool for account in state.ledger.accounts.values())
    for identity in state.identities:
        state.graph.put_identity(identity)
    state.shape += 1


def policy_updated(state: State, _at: Micros, _who: Dimensions, _id: str, e: PolicyUpdated) -> None:
    """Another policy rules; the document itself is the engine's, but for what it paces."""
    state.policy_version, state.policy_text = e.version, e.document
    state.pacing.adopt(e.document)


def status_changed(
    state: State, _at: Micros, _who: Dimensions, _id: str, e: SystemStatusChanged
) -> None:
    """The system as a whole turned."""
    state.system_status, state.risk_score, state.degraded = e.after, e.risk_score, e.degraded


FOLDS: dict[type, Any] = {
    SystemStarted: started,
    ConfigLoaded: configured,
    PolicyUpdated: policy_updated,
    SystemStatusChanged: status_changed,
}
