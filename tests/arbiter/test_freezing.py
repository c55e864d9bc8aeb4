"""What may be thawed: a state, and nothing that could do anything."""

from __future__ import annotations

import os
import pickle

import pytest

from ratelord_core import plugins
from ratelord_core.freezing import CannotFreeze, CannotThaw, freeze, thaw
from ratelord_core.model.identity import Identity
from ratelord_core.replay import Blank


class Harm:
    def __reduce__(self):
        return os.system, ("echo harm",)


class Reach:
    def __reduce__(self):
        return getattr, (1, "bit_length")


@pytest.mark.parametrize("model", ["linear", "ensemble", "gamma", "bootstrap"])
def test_every_built_in_model_s_states_are_frozen_and_thawed(model: str) -> None:
    loaded = plugins.load()
    models = loaded.named("ratelord_register_forecast_models", "model_id")
    blank = Blank(loaded.named("ratelord_register_graphs")["networkx"], models[model])
    state = blank.state()
    thawed = thaw(freeze(state), blank.packages() | {"networkx"})
    assert thawed.picture(1) == state.picture(1)


def test_who_is_known_looks_the_same_thawed() -> None:
    loaded = plugins.load()
    models = loaded.named("ratelord_register_forecast_models", "model_id")
    blank = Blank(loaded.named("ratelord_register_graphs")["networkx"], models["linear"])
    state = blank.state()
    state.identities.put(Identity("bot:ci", kind="bot", status="quarantined"))
    state.identities.put(Identity("key:1"))
    thawed = thaw(freeze(state), blank.packages() | {"networkx"})
    assert thawed.picture(1) == state.picture(1)
    assert state.picture(1)["identities"][0]["status"] == "quarantined"


@pytest.mark.parametrize("content", [Harm(), Reach(), {"a": 1}, os.getcwd])
def test_what_is_no_state_is_not_thawed(content: object) -> None:
    with pytest.raises(CannotThaw):
        thaw(pickle.dumps(content), ())


def test_bytes_that_are_nothing_are_not_thawed() -> None:
    with pytest.raises(CannotThaw):
        thaw(b"nothing of the kind", ())


def test_a_state_that_holds_what_cannot_be_written_is_not_frozen() -> None:
    loaded = plugins.load()
    models = loaded.named("ratelord_register_forecast_models", "model_id")
    state = Blank(loaded.named("ratelord_register_graphs")["networkx"], models["linear"]).state()
    state.policy_version = lambda: None  # type: ignore[assignment]  # what no state holds
    with pytest.raises(CannotFreeze):
        freeze(state)
