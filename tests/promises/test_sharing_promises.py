"""Sharing: what is shared is shared, what is not is not, and nothing is promised twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

Start = Callable[..., Any]

TWO = """
providers:
  mock:
    - {id: first, identity: "pat:one", poll_interval: 1h, pools: {default: {limit: 100, window: {kind: fixed, every: 1h}}}}
    - {id: second, identity: "pat:two", poll_interval: 1h, pools: {default: {limit: 100, window: {kind: fixed, every: 1h}}}}
identities:
  - {id: "pat:one", kind: user, provider: first}
  - {id: "pat:two", kind: user, provider: second}
"""


@pytest.mark.promise("C-01")
def test_two_agents_on_one_identity_share_what_it_has(start: Start) -> None:
    desk = start(TWO)

    desk.ask(agent_id="agent:one", identity_id="pat:one", expected_cost=60)
    second = desk.ask(
        agent_id="agent:two", identity_id="pat:one", expected_cost=60, max_wait_seconds=0
    )

    assert not second["allowed"]
    assert desk.pool("first/default")["available"] == 40


@pytest.mark.promise("C-02")
def test_two_identities_do_not_touch_each_other(start: Start) -> None:
    desk = start(TWO)

    desk.ask(identity_id="pat:one", expected_cost=90)
    other = desk.ask(identity_id="pat:two", expected_cost=90, max_wait_seconds=0)

    assert other["decision"] == "approve"
    assert [hold["provider_id"] for hold in other["holds"]] == ["second"]
    assert desk.pool("first/default")["held"] == desk.pool("second/default")["held"] == 90


@pytest.mark.promise("F-05")
def test_a_crowd_is_never_promised_more_than_there_is(start: Start) -> None:
    desk = start()

    with ThreadPoolExecutor(8) as crowd:
        answers = list(
            crowd.map(
                lambda n: desk.ask(agent_id=f"agent:{n % 8}", urgency="high", max_wait_seconds=0),
                range(150),
            )
        )

    approved = [answer for answer in answers if answer["allowed"]]
    assert len(approved) == 100, "exactly what there is: no more, and no fewer"
    pool = desk.pool()
    assert (pool["held"], pool["available"]) == (100, 0)
