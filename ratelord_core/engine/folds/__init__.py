"""What each event does to the state: one fold for each type, beside its like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ratelord_core.engine.folds import configuration, identities, intents, pools, providers
from ratelord_core.events.payloads import Payload

Fold = Callable[..., Any]
"""Takes the state, the instant, the dimensions, the intent's id and the payload; what it found."""

FOLDS: dict[type[Payload], Fold] = {
    **configuration.FOLDS,
    **identities.FOLDS,
    **providers.FOLDS,
    **pools.FOLDS,
    **intents.FOLDS,
}
"""By type of event; a type that is not here changes nothing."""
