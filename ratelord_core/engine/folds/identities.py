"""The life of identities: registered, rotated, revoked, quarantined, restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ratelord_core.events.payloads import (
    IdentityQuarantined,
    IdentityRegistered,
    IdentityRestored,
    IdentityRevoked,
    IdentityRotated,
)
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import Micros

if TYPE_CHECKING:
    from ratelord_core.engine.state import State


def registered(
    state: State, _at: Micros, _who: Dimensions, _id: str, e: IdentityRegistered
) -> None:
    """Somebody new, or somebody known only from the configuration until now."""
    state.identities.put(e.identity)
    _draw(state, e.identity)


def rotated(state: State, at: Micros, _who: Dimensions, _id: str, e: IdentityRotated) -> None:
    """Another token or secret."""
    _draw(state, state.identities.rotate(e, at))


def revoked(state: State, _at: Micros, _who: Dimensions, _id: str, e: IdentityRevoked) -> None:
    """May do nothing any more."""
    _draw(state, state.identities.turn(e.identity_id, "revoked"))


def quarantined(
    state: State, _at: Micros, _who: Dimensions, _id: str, e: IdentityQuarantined
) -> None:
    """May do nothing until it is restored."""
    _draw(state, state.identities.turn(e.identity_id, "quarantined"))


def restored(state: State, _at: Micros, _who: Dimensions, _id: str, e: IdentityRestored) -> None:
    """May act again."""
    _draw(state, state.identities.turn(e.identity_id, "active"))


def _draw(state: State, identity: Identity) -> None:
    state.graph.put_identity(identity)
    state.divisions.forget()
    state.shape += 1


FOLDS: dict[type, Any] = {
    IdentityRegistered: registered,
    IdentityRotated: rotated,
    IdentityRevoked: revoked,
    IdentityQuarantined: quarantined,
    IdentityRestored: restored,
}
