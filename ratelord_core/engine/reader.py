"""Shows the state to readers, in wire form. Reads only; the caller has let time pass before."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

import msgspec

from ratelord_core.engine.outlooks import forecast_view
from ratelord_core.engine.sharers import Sharers
from ratelord_core.engine.state import State
from ratelord_core.errors import NotFound
from ratelord_core.ledger import Figures, Party
from ratelord_core.ledger.account import Account
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import Micros, to_seconds, to_text
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.model.share_query import WHOLE, ShareQuery
from ratelord_core.model.views import (
    ForecastView,
    IdentityView,
    PoolView,
    ShareView,
    UsageView,
)
from ratelord_core.model.window import Window

_TOP = 10


class Reader:
    """Answers what may be looked at."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._sharers = Sharers(state)
        self.hidden: set[str] = set()
        """Pools that the configuration no longer declares; their accounts are kept, unseen."""

    def keys(self) -> list[str]:
        """The pools that are shown."""
        return sorted(key for key in self.state.ledger.accounts if key not in self.hidden)

    def pools(self, now: Micros) -> list[PoolView]:
        """Every pool, by key."""
        return [self.pool(key, now) for key in self.keys()]

    def pool(self, key: str, now: Micros) -> PoolView:
        """One pool."""
        account = self._account(key, now)
        figures = account.figures(now)
        pool = account.pool
        forecast = self._forecast_view(key, figures, now)
        return PoolView(
            provider_id=pool.provider_id,
            pool_id=pool.pool_id,
            unit=pool.unit,
            limit=figures.limit,
            used=min(figures.used, MAX_UNITS),
            held=figures.held,
            scheduled=figures.scheduled,
            available=figures.available,
            window=_window(pool.window),
            reset_at=_text(figures.reset_at),
            observed_at=_text(account.observed_at),
            staleness_seconds=to_seconds(self.state.polling.age(key, now)),
            stale=self.state.polling.is_stale(key, now),
            local=pool.local,
            risk_level=forecast.risk_level,
            forecast=forecast,
            members=pool.members,
            shares=_shares(account),
        )

    def forecasts(
        self, now: Micros, key: str | None, share: ShareQuery = WHOLE
    ) -> list[ForecastView]:
        """Forecasts of all pools, or of one; or of somebody's share of them."""
        keys = self.keys() if key is None else [key]
        figures = [(one, self._account(one, now).figures(now)) for one in keys]
        if share:
            return self._sharers.forecasts(figures, share, now, named=key is not None)
        return [self._forecast_view(one, found, now) for one, found in figures]

    def _account(self, key: str, now: Micros) -> Account:
        if key not in self.state.ledger.accounts or key in self.hidden:
            known = ", ".join(self.keys()[:_TOP]) or "none yet"
            raise NotFound(f"no pool {key!r} (known: {known})", code="unknown_pool")
        return self.state.ledger.account(key, now)

    def _forecast_view(self, key: str, figures: Figures, now: Micros) -> ForecastView:
        forecast = self.state.outlook(key, figures, now)
        level = self.state.level(key, forecast, figures, now)
        pool = self.state.ledger.accounts[key].pool
        aged = msgspec.structs.replace(
            forecast, freshness=to_seconds(self.state.polling.age(key, now))
        )
        score = self.state.book.score(key, now)
        return forecast_view(pool.provider_id, pool.pool_id, aged, level, now, score)

    def usage(
        self,
        now: Micros,
        pool: str | None,
        agent_id: str | None,
        identity_id: str | None,
        scope_id: str | None,
    ) -> list[UsageView]:
        """Who used what, in the present windows."""
        wanted = (agent_id, identity_id, scope_id)
        found = []
        for key in self.keys() if pool is None else [pool]:
            account = self._account(key, now)
            used, held = account.tally.by_party, account.holders
            for party in sorted(used.keys() | held.keys()):
                if any(
                    want is not None and want != has
                    for want, has in zip(wanted, party, strict=True)
                ):
                    continue
                found.append(_usage_view(account, party, used.get(party, 0), held.get(party, 0)))
        return found

    def identities(self) -> list[IdentityView]:
        """Every identity that is not deleted, by id."""
        known = sorted(self.state.identities, key=lambda identity: identity.identity_id)
        return [
            identity_view(identity, self.state.identities.last_active(identity.identity_id))
            for identity in known
            if identity.status != "deleted"
        ]


def identity_view(identity: Identity, last_active: Micros) -> IdentityView:
    """An identity without anything secret."""
    return IdentityView(
        identity_id=identity.identity_id,
        kind=identity.kind,
        status=identity.status,
        provider_id=identity.provider_id,
        owner=identity.owner,
        owner_kind=identity.owner_kind,
        role=identity.role,
        labels=identity.labels,
        metadata=identity.metadata,
        credential_kind=identity.credential_kind,
        trust_level=identity.trust_level,
        allowed_agents=identity.allowed_agents,
        created_at=to_text(identity.created_at),
        last_active_at=to_text(last_active) if last_active else None,
    )


def _text(instant: Micros | None) -> str | None:
    return None if instant is None else to_text(instant)


def _window(window: Window) -> dict[str, object]:
    """What a window's kind has, and no more: a text equal to its default may be another object once
    a state was thawed, so that leaving defaults out does not tell."""
    told: dict[str, object] = {"kind": window.kind}
    if window.unit is not None:
        told |= {"unit": window.unit, "timezone": window.timezone}
    if window.burst is not None:
        told["burst"] = window.burst
    if window.every is not None:
        told["every_seconds"] = to_seconds(window.every)
    if window.anchor is not None:
        told["anchor"] = to_text(window.anchor)
    return told


def _shares(account: Account) -> dict[str, tuple[ShareView, ...]]:
    return {"agents": _share(account, 0), "identities": _share(account, 1)}


def _share(account: Account, part: int) -> tuple[ShareView, ...]:
    used: dict[str, int] = {}
    held: dict[str, int] = {}
    for party, units in account.tally.by_party.items():
        used[party[part]] = used.get(party[part], 0) + units
    for party, units in account.holders.items():
        held[party[part]] = held.get(party[part], 0) + units
    names: Iterable[str] = used.keys() | held.keys()
    top = nsmallest(_TOP, names, lambda name: (-used.get(name, 0) - held.get(name, 0), name))
    return tuple(ShareView(name, used.get(name, 0), held.get(name, 0)) for name in top if name)


def _usage_view(account: Account, party: Party, used: int, held: int) -> UsageView:
    agent, identity, scope = party
    pool = account.pool
    return UsageView(pool.provider_id, pool.pool_id, agent, identity, scope, used, held)
