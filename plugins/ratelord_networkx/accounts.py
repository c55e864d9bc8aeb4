"""Which provider pools an identity may draw from: its own, its account's, or everybody's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ratelord_core.model.model_names import is_one_of
from ratelord_core.model.pool import Pool

Pools = dict[str, Pool]


class AccountIndex:
    """Provider pools by who may draw from them.

    - A pool whose members are named is drawn from by those identities only.
    - A pool without members belongs to its provider's account: if the provider declares an
      identity, to that one and to every identity registered with the provider; else to everybody.
    - A pool ``provider/<identity>/<pool>`` with that identity as its member is the identity's own
      instance of ``provider/<pool>`` and takes its place.
    """

    def __init__(self) -> None:
        self._declared: dict[str, str | None] = {}
        self._declaring: dict[str, tuple[str, ...]] = {}
        self._registered: dict[str, str] = {}
        self._with_provider: dict[str, dict[str, None]] = {}
        self._pools: dict[str, Pools] = {}
        self._by_id: dict[str, Pools] = {}
        self._by_member: dict[str, Pools] = {}
        self._of_account: dict[str, Pools] = {}
        self._open: dict[str, Pools] = {}
        self._own: dict[str, dict[str, Pool]] = {}
        self.by_model = False
        """Whether any pool is drawn from by some models only."""

    def declare(self, providers: Mapping[str, str | None]) -> None:
        """Replace the providers' declared identities. Pools must be added again afterwards."""
        self._declared = dict(providers)
        self._declaring = {}
        for provider, identity in providers.items():
            if identity is not None:
                self._declaring[identity] = (*self._declaring.get(identity, ()), provider)

    def register(self, identity: str, provider: str | None) -> None:
        """Remember with which provider an identity is registered; None = with none."""
        before = self._registered.pop(identity, None)
        if before is not None:
            self._with_provider[before].pop(identity, None)
        if provider is not None:
            self._registered[identity] = provider
            self._with_provider.setdefault(provider, {})[identity] = None

    def add(self, pool: Pool) -> None:
        """Index a provider pool."""
        self.by_model = self.by_model or bool(pool.models)
        self._pools.setdefault(pool.provider_id, {})[pool.key] = pool
        base = own_base(pool)
        if base is None:
            self._by_id.setdefault(pool.pool_id, {})[pool.key] = pool
        else:
            self._own.setdefault(pool.members[0], {})[base] = pool
        if self._is_of_account(pool):
            self._of_account.setdefault(pool.provider_id, {})[pool.key] = pool
            if self._declared.get(pool.provider_id) is None:
                self._open.setdefault(pool.provider_id, {})[pool.key] = pool
        for member in pool.members:
            self._by_member.setdefault(member, {})[pool.key] = pool

    def remove(self, pool: Pool) -> None:
        """Forget a provider pool, as it was added."""
        _drop(self._pools, pool.provider_id, pool.key)
        _drop(self._by_id, pool.pool_id, pool.key)
        _drop(self._of_account, pool.provider_id, pool.key)
        _drop(self._open, pool.provider_id, pool.key)
        for member in pool.members:
            _drop(self._by_member, member, pool.key)
        base = own_base(pool)
        if base is not None:
            _drop(self._own, pool.members[0], base)

    def providers(self) -> Iterator[str]:
        """Every provider that is declared or has pools; one that does both comes twice."""
        yield from self._declared
        yield from self._pools

    def has_provider(self, provider: str) -> bool:
        """Whether a provider is declared or has pools."""
        return provider in self._declared or provider in self._pools

    def find(self, key: str, provider: str) -> Pool | None:
        """The pool of that key."""
        return self._pools.get(provider, {}).get(key)

    def by_id(self, pool_id: str) -> Iterator[Pool]:
        """The pools of that id, over all providers."""
        yield from self._by_id.get(pool_id, {}).values()

    def own(self, identity: str, key: str) -> Pool | None:
        """The identity's own instance of the pool of that key."""
        return self._own.get(identity, {}).get(key)

    def owned(self, identity: str) -> Mapping[str, Pool]:
        """The identity's own instances, by the key of the pool whose place they take."""
        return self._own.get(identity, {})

    def may_draw(self, identity: str, pool: Pool) -> bool:
        """Whether the identity may draw from the pool."""
        if identity in pool.members:
            return True
        if not self._is_of_account(pool):
            return False
        return self._in_account(identity, pool.provider_id)

    def members(self, pool: Pool) -> tuple[str, ...]:
        """The identities named for a pool; empty = everybody."""
        declared = self._declared.get(pool.provider_id)
        if declared is None or not self._is_of_account(pool):
            return pool.members
        others = self._with_provider.get(pool.provider_id, {})
        return (declared, *(name for name in others if name != declared))

    def joined(self, identity: str) -> Iterator[Pool]:
        """The pools that an identity may draw from because it is registered with their provider."""
        provider = self._registered.get(identity)
        declared = None if provider is None else self._declared.get(provider)
        if provider is not None and declared not in {None, identity}:
            yield from self._of_account.get(provider, {}).values()

    def defaults(
        self, identity: str, provider: str | None = None, model: str | None = None
    ) -> Iterator[Pool]:
        """The pools drawn from when nobody says which: default ones the identity may draw from,
        of all providers or of one; of those that belong to models only this one's."""
        own = self._own.get(identity, {})
        seen: set[str] = set()
        for pool in self.accessible(identity):
            if provider is None or pool.provider_id == provider:
                chosen = own.get(pool.key, pool)
                if not chosen.default or chosen.key in seen:
                    continue
                if not chosen.models or (model is not None and is_one_of(model, chosen.models)):
                    seen.add(chosen.key)
                    yield chosen

    def may_use(self, identity: str, provider: str) -> bool:
        """Whether the identity may draw from anything of a provider, now or once it has pools."""
        if not self._pools.get(provider):
            return self._in_account(identity, provider)
        return any(pool.provider_id == provider for pool in self.accessible(identity))

    def accessible(self, identity: str) -> Iterator[Pool]:
        """Every pool that the identity may draw from; some may come twice."""
        yield from self._by_member.get(identity, {}).values()
        for pools in self._open.values():
            yield from pools.values()
        for provider in self._declaring.get(identity, ()):
            yield from self._of_account.get(provider, {}).values()
        registered = self._registered.get(identity)
        if registered is not None:
            yield from self._of_account.get(registered, {}).values()

    def _is_of_account(self, pool: Pool) -> bool:
        if not pool.members:
            return True
        declared = self._declared.get(pool.provider_id)
        return declared is not None and pool.members == (declared,) and own_base(pool) is None

    def _in_account(self, identity: str, provider: str) -> bool:
        declared = self._declared.get(provider)
        return (
            declared is None or declared == identity or self._registered.get(identity) == provider
        )


def is_of_another_model(pool: Pool, model: str | None) -> bool:
    """Whether the pool belongs to models, of which this one, if any is named, is none."""
    return bool(pool.models) and model is not None and not is_one_of(model, pool.models)


def own_base(pool: Pool) -> str | None:
    """The key of the pool whose place an identity's own instance takes; None for other pools."""
    if len(pool.members) != 1:
        return None
    prefix = pool.members[0] + "/"
    if not pool.pool_id.startswith(prefix):
        return None
    return f"{pool.provider_id}/{pool.pool_id[len(prefix) :]}"


def _drop(index: dict[str, dict[str, Pool]], name: str, key: str) -> None:
    found = index.get(name)
    if found is None:
        return
    found.pop(key, None)
    if not found:
        del index[name]
