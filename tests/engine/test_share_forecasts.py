"""Forecasts of shares, as readers are told them; and the same after a replay."""

from __future__ import annotations

import pytest

from ratelord_core.errors import InvalidRequest, NotFound
from ratelord_core.freezing import freeze, thaw
from ratelord_core.model.share_query import ShareQuery
from ratelord_core.model.views import ForecastView
from ratelord_core.testing.table import Table

PACKAGES = ("ratelord_networkx", "ratelord_linear", "ratelord_pid")
HOURLY = "window: {kind: fixed, every: 1h}"


def busy(more: str = "", limit: int = 1000) -> Table:
    """A hog takes nine units a minute, a mouse one, for half an hour."""
    table = Table(f"pools: [{{id: local/api, limit: {limit}, {HOURLY}{more}}}]")
    for _ in range(30):
        table.ask(agent_id="hog", scope_id="repo:a", expected_cost=9, max_wait=0)
        table.ask(agent_id="mouse", scope_id="repo:b", expected_cost=1, max_wait=0)
        table.pass_time(60)
    return table


def told(table: Table, pool: str | None = "local/api", **share: str) -> list[ForecastView]:
    return table.engine.reader.forecasts(table.now, pool, ShareQuery(**share))


def test_a_share_is_told_with_whose_it_is_and_what_of_the_burn_is_theirs() -> None:
    (hog,) = told(busy(), agent_id="hog")

    assert hog.share is not None
    assert (hog.share.agent_id, hog.share.identity_id, hog.share.available) == ("hog", None, 700)
    assert hog.share.burn_share == 0.9
    assert hog.burn_rate == pytest.approx(9 / 60, rel=0.3)
    assert hog.risk_level == "ok"


def test_a_share_of_what_never_binds_is_not_nothing() -> None:
    table = Table("pools: [{id: local/api, window: {kind: unbounded}}]")
    table.ask(agent_id="hog")
    (hog,) = told(table, agent_id="hog")

    assert hog.share is not None
    assert hog.share.available == table.engine.reader.pool("local/api", table.now).available > 0
    assert hog.p_exhaustion == 0.0


def test_the_largest_shares_of_a_pool_are_listed_by_any_dimension() -> None:
    table = busy()

    assert [v.share and v.share.agent_id for v in told(table, by="agent")] == ["hog", "mouse"]
    assert [v.share and v.share.scope_id for v in told(table, by="scope")] == ["repo:a", "repo:b"]
    with pytest.raises(InvalidRequest, match="name it"):
        told(table, None, by="agent")
    with pytest.raises(NotFound):
        told(table, "local/none", agent_id="hog")


def test_a_named_pool_answers_for_whoever_was_not_seen_all_pools_do_not() -> None:
    table = busy()
    (stranger,) = told(table, agent_id="stranger")
    (whole,) = table.engine.reader.forecasts(table.now, "local/api")

    assert stranger.share is not None
    assert (stranger.share.burn_share, stranger.p_exhaustion) == (0.0, whole.p_exhaustion)
    assert told(table, None, agent_id="stranger") == []


def test_a_share_that_may_have_no_more_is_exhausted_before_the_pool() -> None:
    table = busy(', shares: {"agent:hog": {most: 28}}')
    (hog,), (mouse,) = told(table, agent_id="hog"), told(table, agent_id="mouse")

    assert hog.share is not None
    assert hog.share.available < 15
    assert hog.p_exhaustion > 0.8
    assert hog.risk_level == "critical"
    assert hog.tte_p50_seconds is not None
    assert hog.tte_p50_seconds < 300
    assert mouse.p_exhaustion < 0.2


def test_a_pool_that_is_counted_for_each_agent_has_a_forecast_for_each() -> None:
    table = busy(", per: agent", limit=300)
    (hog,) = told(table, "local/api~hog", agent_id="hog")
    everywhere = told(table, None, agent_id="mouse")

    assert hog.share is not None
    assert hog.share.available < 50
    assert hog.p_exhaustion > 0.8
    seen = [view for view in everywhere if "~" in view.pool_id]
    assert [(view.pool_id, view.p_exhaustion < 0.2) for view in seen] == [("api~mouse", True)]
    assert told(table, "local/api~hog", agent_id="mouse") == []


@pytest.mark.parametrize("restored", ["replayed", "snapshot"])
def test_forecasts_of_shares_survive_a_restart(restored: str) -> None:
    table = busy()
    after = table.replayed() if restored == "replayed" else table.engine.state
    if restored == "snapshot":
        after = thaw(freeze(after), {"networkx", *PACKAGES})
    book, again = table.engine.state.book, after.book
    figures = table.engine.state.ledger.account("local/api", table.now).figures(table.now)
    standing = table.engine.state.standing("local/api", figures, table.now)

    for name in ("hog", "mouse"):
        whose = (name, None, None)
        said = book.share("local/api", table.now, standing, whose)
        assert said is not None
        assert again.share("local/api", table.now, standing, whose) == said
