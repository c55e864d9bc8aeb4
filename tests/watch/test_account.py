"""The names that an account's pools have, and what it believes of its provider."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from ratelord_core.clock import SteppedClock
from ratelord_core.errors import PluginError, ProviderFailed
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.provider import PollRequest, PollResult
from ratelord_core.testing.scripted_provider import ScriptedProvider, answering
from ratelord_core.watch import Account

CLOCK = SteppedClock()
NOW = CLOCK.now()


def account(*script: Any, identity: str | None = None, extra: bool = False) -> Account:
    provider = ScriptedProvider("p", CLOCK, *script)
    return Account(provider, plugin="x", version="1", identity_id=identity, extra=extra)


def poll(watched: Account, request: PollRequest | None = None) -> PollResult:
    return anyio.run(watched.poll, request or PollRequest())


def test_the_declared_account_keeps_its_providers_names() -> None:
    declared = account(identity="pat:a")
    assert declared.account_id == "p"
    assert [(pool.key, pool.members) for pool in declared.pools()] == [("p/core", ())]
    assert poll(declared).observations[0].pool_id == "core"


def test_another_identitys_account_has_pools_of_its_own_that_only_it_draws_from() -> None:
    extra = account(identity="pat:b", extra=True)
    assert extra.account_id == "p/pat:b"
    assert [(pool.key, pool.members) for pool in extra.pools()] == [("p/pat:b/core", ("pat:b",))]
    assert poll(extra).observations[0].pool_id == "pat:b/core"
    assert extra.read_headers({"a": "1"}, NOW)[0].pool_id == "pat:b/core"


@pytest.mark.parametrize("known_as", ["core", "pat:b/core"])
def test_the_provider_is_told_of_settled_units_in_its_own_pool_ids(known_as: str) -> None:
    extra = account(identity="pat:b", extra=True)
    poll(extra, PollRequest("s", {known_as: 7}))
    assert extra.provider.requests == [PollRequest("s", {"core": 7})]  # type: ignore[attr-defined]


def test_pools_that_a_poll_found_are_renamed_too() -> None:
    result = PollResult(NOW, pools=(Pool("p", "new"),))
    found = poll(account(answering(result), identity="pat:b", extra=True)).pools
    assert [(pool.key, pool.members) for pool in found] == [("p/pat:b/new", ("pat:b",))]


def test_a_pool_whose_name_would_be_too_long_is_left_out() -> None:
    seen = (Observation("p", "x" * 255, NOW), Observation("p", "y", NOW))
    found = poll(account(answering(PollResult(NOW, seen)), identity="pat:b", extra=True))
    assert [one.pool_id for one in found.observations] == ["pat:b/y"]


def test_an_extra_account_needs_an_identity() -> None:
    with pytest.raises(ValueError, match="identity"):
        account(extra=True)


@pytest.mark.parametrize("interval", [0, -1, None, 2.5, True, "10s"])
def test_an_account_without_a_rhythm_is_refused(interval: Any) -> None:
    provider = ScriptedProvider("p", CLOCK, interval=interval)
    with pytest.raises(PluginError, match="poll_interval"):
        Account(provider, plugin="x", version="1")


LIES: dict[str, Any] = {
    "nothing at all": None,
    "a mapping": {"dated": NOW},
    "no date": PollResult("today"),  # type: ignore[arg-type]
    "a date before time": PollResult(-1),
    "a state that is no text": PollResult(NOW, state=b"x"),  # type: ignore[arg-type]
    "a state too long to log": PollResult(NOW, state="x" * 70_000),
    "a state that is no Unicode": PollResult(NOW, state="\ud800"),
    "a next poll in the past": PollResult(NOW, next_poll=-5),
    "no tuple": PollResult(NOW, [Observation("p", "core", NOW)]),  # type: ignore[arg-type]
    "a stranger's pool": PollResult(NOW, (Observation("other", "core", NOW),)),
    "a pool without a name": PollResult(NOW, (Observation("p", "", NOW),)),
    "a pool with a strange name": PollResult(NOW, (Observation("p", "a b\n", NOW),)),
    "half a unit": PollResult(NOW, (Observation("p", "core", NOW, used=1.5),)),  # type: ignore[arg-type]
    "less than nothing": PollResult(NOW, (Observation("p", "core", NOW, used=-1),)),
    "too much to count": PollResult(NOW, (Observation("p", "core", NOW, limit=2**53),)),
    "a truth for a number": PollResult(NOW, (Observation("p", "core", NOW, limit=True),)),
    "a reset after the end of time": PollResult(
        NOW, (Observation("p", "core", NOW, reset_at=2**62),)
    ),
    "no observation": PollResult(NOW, ("core",)),  # type: ignore[arg-type]
    "no pool": PollResult(NOW, pools=("core",)),  # type: ignore[arg-type]
    "a local pool": PollResult(NOW, pools=(Pool("p", "core", local=True),)),
    "a pool with a strange limit": PollResult(NOW, pools=(Pool("p", "core", limit=-1),)),
    "endless pools": PollResult(NOW, tuple(Observation("p", f"n{i}", NOW) for i in range(1001))),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_what_breaks_the_contract_is_a_failure_of_the_plugin(lie: Any) -> None:
    with pytest.raises(ProviderFailed) as caught:
        poll(account(answering(lie)))
    assert caught.value.kind == "plugin"
    assert "author" in caught.value.detail
