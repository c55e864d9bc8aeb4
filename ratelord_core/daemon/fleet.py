"""The provider accounts of a running daemon: which are watched, and what they find."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ratelord_core.clock import Clock
from ratelord_core.daemon.accounts import Accounts, pools_of, wants_account, with_members
from ratelord_core.daemon.pressure import load_of
from ratelord_core.errors import Conflict, NotFound, ProviderFailed, RatelordError
from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.model.caller import Caller
from ratelord_core.model.config import Document, ProviderConfig
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import Entropy, pool_key
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.model.views import ProviderHealth
from ratelord_core.projections.providers import ProviderRecord
from ratelord_core.provider import Injectable, PollRequest, PollResult
from ratelord_core.watch import Account, Load, Watcher

_log = logging.getLogger(__name__)
_POLLS = Caller(door="poll")


def _was_told_to_wait(record: ProviderRecord) -> bool:
    """Whether the provider asked for patience: a restart is no reason to ignore it."""
    return record.failures > 0 and (record.last_error or "").startswith("rate_limited")


class Fleet:
    """Watches accounts and takes what polls find to the arbiter (it is the watcher's ``Sink``)."""

    def __init__(self, accounts: Accounts, clock: Clock, entropy: Entropy) -> None:
        self._accounts = accounts
        self._clock = clock
        self.watcher = Watcher(self, clock, entropy)
        self._configs: dict[str, ProviderConfig] = {}
        self._arbiter: LocalArbiter | None = None

    @property
    def arbiter(self) -> LocalArbiter:
        """Who hears of what polls find; set before the first poll."""
        if self._arbiter is None:
            raise RuntimeError("the fleet has no arbiter yet")
        return self._arbiter

    def report_to(self, arbiter: LocalArbiter) -> None:
        """Take what polls find to this arbiter."""
        self._arbiter = arbiter

    # --- who is watched -----------------------------------------------------------------------

    def sail(self, document: Document) -> tuple[Pool, ...]:
        """Watch exactly the accounts that the document and the registered identities name; all
        their pools. Accounts that did not change go on undisturbed."""
        before, self._configs = self._configs, {one.id: one for one in document.providers}
        identities = {one.identity_id: one for one in document.topology.identities}
        identities |= {one.identity_id: one for one in self.arbiter.engine.state.identities}
        wanted: dict[str, Account] = {}
        for config in document.providers:
            same = before.get(config.id) == config
            for account in self._of(config, list(identities.values())):
                kept = self.watcher.account(account.account_id) if same else None
                wanted[account.account_id] = kept or account
        self._watch_only(wanted)
        return tuple(pool for account in wanted.values() for pool in self._pools(account))

    def _of(self, config: ProviderConfig, identities: list[Identity]) -> list[Account]:
        extra = [
            self._accounts.registered(config, one)
            for one in identities
            if wants_account(config, one)
        ]
        return [self._accounts.declared(config, identities), *extra]

    def _pools(self, account: Account) -> tuple[Pool, ...]:
        return pools_of(account, self._configs[account.provider_id].identity)

    def _watch_only(self, wanted: Mapping[str, Account]) -> None:
        for account in self.watcher.accounts():
            if wanted.get(account.account_id) is not account:
                self.watcher.remove(account.account_id)
        for account_id, account in wanted.items():
            if self.watcher.account(account_id) is None:
                self._watch(account)
        self._tell_intervals()

    def _watch(self, account: Account) -> None:
        record = self.arbiter.engine.state.providers.get(account.account_id)
        self.watcher.add(
            account,
            state=record.state,
            failures=record.failures,
            due=record.next_poll if _was_told_to_wait(record) else None,
            last_success=record.last_success,
            last_error=record.last_error,
        )

    def _tell_intervals(self) -> None:
        state, observer = self.arbiter.engine.state, self.arbiter.engine.observer
        state.polling.intervals = {
            account.account_id: 0 if account.passive else account.poll_interval
            for account in self.watcher.accounts()
        }
        observer.members = {
            account.account_id: (account.identity_id,)
            for account in self.watcher.accounts()
            if account.identity_id is not None
        }

    async def identity_changed(self, identity: Identity) -> None:
        """Poll a new identity's account at once; stop polling one that may do nothing any more."""
        config = self._configs.get(identity.provider_id or "")
        if config is None:
            return
        account_id = f"{config.id}/{identity.identity_id}"
        if not wants_account(config, identity):
            self.watcher.remove(account_id)
            self._tell_intervals()
            if identity.status == "active":
                self.watcher.poke(config.id)
            return
        account = self._accounts.registered(config, identity)
        self.arbiter.engine.observer.declare(self._pools(account), self._clock.now())
        self._watch(account)
        self._tell_intervals()
        await self.arbiter.flush()

    def health(self) -> dict[str, ProviderHealth]:
        """How every account fares."""
        return self.watcher.health()

    def read_headers(
        self, account_id: str, headers: Mapping[str, str], dated: Micros
    ) -> tuple[Observation, ...] | None:
        """What response headers tell an account; None if nobody has that id."""
        account = self.watcher.account(account_id)
        if account is None:
            return None
        seen = account.read_headers(headers, dated)
        self._learn(account, seen)
        if seen:
            self.watcher.heard(account_id, dated)
        return seen

    def _learn(self, account: Account, seen: tuple[Observation, ...]) -> None:
        """Declare pools that nobody knew, as the provider describes them."""
        ledger, observer = self.arbiter.engine.state.ledger, self.arbiter.engine.observer
        for one in seen:
            if pool_key(one.provider_id, one.pool_id) in ledger.accounts:
                continue
            pool = account.describe(one.pool_id)
            if pool is not None:
                identity = self._configs[account.provider_id].identity
                observer.declare(with_members((pool,), identity), self._clock.now())

    def inject(self, provider_id: str, pool_id: str, usage: int | None, limit: int | None) -> None:
        """Make a simulated provider report this, and poll it at once."""
        account = self.watcher.account(provider_id)
        if account is None:
            raise NotFound(f"provider {provider_id} is not configured", code="unknown_provider")
        if not isinstance(account.provider, Injectable):
            raise Conflict(f"provider {provider_id} is real; only a mock can be told what to say")
        try:
            account.provider.inject(pool_id, usage, limit)
        except (LookupError, ValueError) as error:
            raise NotFound(str(error.args[0]), code="unknown_pool") from error
        self.watcher.poke(provider_id)

    # --- what polls find (Sink) ---------------------------------------------------------------

    def poll_request(self, account_id: str) -> PollRequest:
        return self.arbiter.engine.observer.poll_request(account_id, self._clock.now())

    def load(self, account_id: str, interval: Micros) -> Load:
        return load_of(self.arbiter.engine.state, account_id, interval, self._clock.now())

    async def polled(
        self,
        account_id: str,
        identity_id: str | None,
        plugin: str,
        version: str,
        result: PollResult,
        next_poll: Micros,
    ) -> None:
        now = self._clock.now()
        self.arbiter.engine.observer.polled(account_id, plugin, version, result, next_poll, now)
        self.arbiter.engine.lookout.look(now)
        await self.arbiter.flush()

    async def failed(
        self,
        account_id: str,
        identity_id: str | None,
        plugin: str,
        version: str,
        error: ProviderFailed,
        failures: int,
        next_poll: Micros,
    ) -> None:
        now = self._clock.now()
        self.arbiter.engine.observer.failed(
            account_id, plugin, version, error, failures, next_poll, now
        )
        await self.arbiter.flush()

    async def state_changed(self, account_id: str, before: str, after: str, reason: str) -> None:
        now = self._clock.now()
        self.arbiter.engine.observer.turned(account_id, before, after, reason, now)
        await self.arbiter.flush()

    async def unauthorized(self, identity_id: str) -> None:
        known = self.arbiter.engine.state.identities.get(identity_id)
        if known is None or known.status != "active":
            return
        try:
            await self.arbiter.change_identity(
                identity_id, "quarantine", "its provider refuses the credential", _POLLS
            )
        except RatelordError as error:
            _log.warning("identity %s could not be quarantined: %s", identity_id, error)
