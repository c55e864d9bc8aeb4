"""Tells of shares: how long what an agent, an identity or a scope may take of a pool will last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nsmallest
from typing import Final

from msgspec.structs import replace

from ratelord_core.engine.outlooks import forecast_view
from ratelord_core.engine.state import State
from ratelord_core.errors import InvalidRequest
from ratelord_core.forecast import ShareForecast, Whose, together
from ratelord_core.ledger import Asker, Figures
from ratelord_core.ledger.account import Account
from ratelord_core.ledger.period import PeriodAccount
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import ROOT_SCOPE, UNKNOWN
from ratelord_core.model.instant import Micros, to_seconds
from ratelord_core.model.pool import PART, declared_key
from ratelord_core.model.share_query import PARTS, ShareQuery
from ratelord_core.model.views import ForecastView, ShareForecastView

MOST: Final = 10
"""Shares of one pool that are told at once."""
MOST_POOLS: Final = 50
"""Pools of which one share is told at once."""


class Sharers:
    """Answers for the shares of pools. Reads only; the caller has let time pass before."""

    def __init__(self, state: State) -> None:
        self.state = state

    def forecasts(
        self, pools: Sequence[tuple[str, Figures]], share: ShareQuery, now: Micros, *, named: bool
    ) -> list[ForecastView]:
        """One share of each pool in which it was seen (of a ``named`` pool in any case), or the
        largest shares of one pool."""
        if share.by is not None:
            if not named:
                message = "shares are listed 'by' agent, identity or scope of one pool: name it"
                raise InvalidRequest(message)
            whose = self._largest(pools[0][0], share, share.by, now)
            return [view for one in whose for view in self._of(*pools[0], one, now, named=False)]
        found: list[ForecastView] = []
        for key, figures in pools:
            found += self._of(key, figures, share.whose, now, named=named)
            if len(found) == MOST_POOLS:
                break
        return found

    def _of(
        self, key: str, figures: Figures, whose: Whose, now: Micros, *, named: bool
    ) -> Iterator[ForecastView]:
        account = self.state.ledger.accounts[key]
        within = self._within(key, account, whose)
        if within is None:
            return
        standing = self.state.standing(key, figures, now)
        left = self._left(account, self._asker(within), now)
        said = self.state.book.share(key, now, replace(standing, available=left), within)
        if said is not None or named:
            said = said or ShareForecast(self.state.outlook(key, figures, now), 0.0)
            yield self._view(key, figures, whose, left, said, now)

    def _within(self, key: str, account: Account, whose: Whose) -> Whose | None:
        """Whose share of a pool's part it is; None if they have none of that part."""
        whole, part, value = key.partition(PART)
        if not part:
            return whose
        per = self.state.ledger.accounts[whole].pool.per
        if per in PARTS:
            place = PARTS.index(per)
            named = whose[place]
            return _named(whose, place, value) if named in {None, value} else None
        seen = account.tally.by_party.keys() | account.holders.keys()
        fits = any(
            all(want is None or want == has for want, has in zip(whose, party, strict=True))
            for party in seen
        )
        return whose if fits else None

    def _left(self, account: Account, asker: Asker, now: Micros) -> int:
        if account.limit is None:
            return account.figures(now).available if account.pool.window.kind == "unbounded" else 0
        left = account.left_for(now, asker)
        if isinstance(account, PeriodAccount) and asker.groups:
            room = account.portions.room(account.windows.end, account.limit, asker)
            return max(0, min(left, room))
        return left

    def _asker(self, whose: Whose) -> Asker:
        agent, identity, scope = whose
        agent = UNKNOWN if agent is None else agent
        who = Dimensions(agent, identity or UNKNOWN, UNKNOWN, scope or ROOT_SCOPE)
        party = (who.agent_id, who.identity_id, who.scope_id)
        return Asker(party, self.state.agent(agent).weight, groups=self.state.groups(who))

    def _largest(self, key: str, share: ShareQuery, by: str, now: Micros) -> list[Whose]:
        """The shares of which most was asked for within three windows, each by its name."""
        place = PARTS.index(by)
        asked: dict[str, int] = {}
        for party, units in self.state.book.parties(key, now).items():
            named = zip(share.whose, party, strict=True)
            if party[place] and all(want is None or want == has for want, has in named):
                asked[party[place]] = asked.get(party[place], 0) + units
        names = nsmallest(MOST, asked, lambda name: (-asked[name], name))
        return [_named(share.whose, place, name) for name in names]

    def _view(
        self, key: str, figures: Figures, whose: Whose, left: int, said: ShareForecast, now: Micros
    ) -> ForecastView:
        whole = self.state.outlook(key, figures, now)
        alone = said.alone
        forecast = whole if alone is None else together(whole, alone)
        standing = self.state.standing(key, figures, now)
        known = PART in key or self.state.level(key, whole, figures, now) != "unknown"
        pool = self.state.ledger.accounts[key].pool
        slots = pool.window.kind == "concurrency"
        level = self.state.book.levels.level(forecast.p_exhaustion, slots=slots)
        level = level if known and alone is not None else "unknown"
        age = to_seconds(self.state.polling.age(key, now))
        forecast = replace(forecast, freshness=max(standing.staleness, age))
        agent, identity, scope = whose
        p_alone = None if alone is None else alone.p_exhaustion
        share = ShareForecastView(agent, identity, scope, left, said.burn_share, p_alone)
        score = self.state.book.score(declared_key(key), now)
        named = (pool.provider_id, pool.pool_id)
        return forecast_view(*named, forecast, level, now, score, share)


def _named(whose: Whose, place: int, name: str) -> Whose:
    """The same with another name in one place."""
    agent, identity, scope = (name if i == place else one for i, one in enumerate(whose))
    return agent, identity, scope
