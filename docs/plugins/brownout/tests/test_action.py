"""The action keeps the contract of all actions, and turns away as large a part as it says."""

from __future__ import annotations

import random

import pytest
from ratelord_brownout.action import BrownoutAction, BrownoutParams

from ratelord_core.model.forecast import Forecast
from ratelord_core.policy.action import Deny, Warn
from ratelord_core.testing.action_contract import ActionContract
from ratelord_core.testing.situation import FixedSituation

POOL = "p/api"


class TestBrownout(ActionContract):
    action = BrownoutAction()
    good = ({}, {"from_risk": 0, "to_risk": 0.5}, {"retry_after_seconds": 5})
    bad = ({"from_risk": 0.9, "to_risk": 0.3}, {"from_risk": 2}, {"retry_after_seconds": "soon"})


class Dice(FixedSituation):
    """A situation whose chance is a seeded one."""

    def jitter(self, limit: int) -> int:
        return CHANCE.randint(0, limit)


CHANCE = random.Random(7)


def turned_away(risk: float, times: int = 4000) -> float:
    """The part of those who ask at a risk that is turned away."""
    situation = Dice(tightest=POOL, forecasts={POOL: Forecast(p_exhaustion=risk)})
    effects = [BrownoutAction().apply(BrownoutParams(), situation) for _ in range(times)]
    return sum(isinstance(effect, Deny) for effect in effects) / times


@pytest.mark.parametrize(("risk", "part"), [(0.0, 0.0), (0.3, 0.0), (0.6, 0.5), (0.75, 0.75)])
def test_the_part_grows_with_the_risk(risk: float, part: float) -> None:
    assert turned_away(risk) == pytest.approx(part, abs=0.03)


@pytest.mark.parametrize("risk", [0.91, 1.0])
def test_beyond_the_end_everybody_is_turned_away(risk: float) -> None:
    assert turned_away(risk) == 1.0


def test_who_draws_from_no_pool_passes() -> None:
    assert isinstance(BrownoutAction().apply(BrownoutParams(), FixedSituation()), Warn)
