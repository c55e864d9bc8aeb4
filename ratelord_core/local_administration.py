"""What the arbiter beside its engine lets those do who run it; a part of ``LocalArbiter``.

Whoever did it, and what came of it, is written down with what was done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from ratelord_core.backstage import backstage, for_good
from ratelord_core.clock import Clock
from ratelord_core.engine import Engine
from ratelord_core.errors import PolicyError, RatelordError, Unavailable
from ratelord_core.events.administration import AdministrativeAct
from ratelord_core.events.payloads import PolicyRejected
from ratelord_core.journal import Journal
from ratelord_core.local_prospects import LocalProspects
from ratelord_core.model.caller import Caller, caller_for
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import Micros, to_text
from ratelord_core.model.proof import Proof, SnapshotView, VerifyView
from ratelord_core.model.views import PolicyReloadView, RegisteredView
from ratelord_core.policy.difference import difference
from ratelord_core.policy.stack import PolicyStack, let_go
from ratelord_core.replay import figures
from ratelord_core.store import EventStore
from ratelord_core.surroundings import Surroundings

_log = logging.getLogger(__name__)


class LocalAdministration(LocalProspects):
    """Identities, their tokens and certificates, the policy, the log, simulated providers."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        store: EventStore,
        clock: Clock,
        around: Surroundings,
    ) -> None:
        super().__init__(engine, journal, store, clock, around)
        self._reloading = asyncio.Lock()
        """Policies come into force in the order in which they were asked for."""

    # --- writing ------------------------------------------------------------------------------

    def _gate(self, *, asking: bool = False) -> None:
        """Whether anything may change now."""
        if self.phase == "stopping":
            raise Unavailable("the daemon is stopping; ask the next one", code="shutting_down")
        if asking and self.phase == "starting":
            raise Unavailable("the daemon is starting; ask again in a moment", code="starting")
        if self.journal.failed is not None:
            raise Unavailable(
                "the log cannot be written, so nothing can be decided; see the daemon's log",
                code="read_only",
                retry_after=2.0,
            )

    async def flush(self) -> None:
        """Make durable what the engine has written down since the last time."""
        drafts = self.engine.take()
        if drafts:
            await self.journal.write(drafts)

    @contextmanager
    def noted(self, action: str, target: str, caller: Caller) -> Iterator[None]:
        """Write down who does this, and whether it was done or why not; the next flush, or the
        next tick, makes it durable."""
        outcome = "failed"
        try:
            yield
            outcome = "done"
        except RatelordError as error:
            outcome = error.code
            raise
        finally:
            act = AdministrativeAct(
                action=action,
                target=target,
                actor=caller.identity_id or "",
                role=caller.role,
                request_id=caller.request_id,
                outcome=outcome,
            )
            self.engine.scribe.write(self.clock.now(), act, door=caller.door)

    @asynccontextmanager
    async def _durably(self, action: str, target: str, caller: Caller) -> AsyncIterator[None]:
        """The same, durable when the block is left, whether it succeeded or not."""
        try:
            with self.noted(action, target, caller):
                yield
        finally:
            await self.flush()

    # --- identities ---------------------------------------------------------------------------

    async def register_identity(
        self, identity: Identity, token: str | None, caller: Caller
    ) -> RegisteredView:
        self._gate()
        async with self._durably("identity.register", identity.identity_id, caller):
            done = self.engine.registrar.register(identity, token, self.clock.now(), caller.door)
        await self._around.identity_changed(done.identity)
        return RegisteredView(identity.identity_id, "registered", done.event_id, done.token)

    async def rotate_identity(
        self,
        identity_id: str,
        token: str | None,
        secret_ref: str | None,
        caller: Caller,
        overlap: Micros = 0,
    ) -> RegisteredView:
        self._gate()
        now = self.clock.now()
        async with self._durably("identity.rotate", identity_id, caller):
            done = self.engine.registrar.rotate(
                identity_id, token, secret_ref, now, caller.door, overlap
            )
        await self._around.identity_changed(done.identity)
        until = to_text(done.identity.old_token_until) if done.identity.old_token_until else None
        return RegisteredView(identity_id, done.identity.status, done.event_id, done.token, until)

    async def change_identity(
        self, identity_id: str, change: str, reason: str, caller: Caller
    ) -> RegisteredView:
        self._gate()
        async with self._durably(f"identity.{change}", identity_id, caller):
            done = self.engine.registrar.change(
                identity_id, change, reason, self.clock.now(), caller.door
            )
        await self._around.identity_changed(done.identity)
        return RegisteredView(identity_id, done.identity.status, done.event_id)

    def authenticate(self, token: str) -> Caller | None:
        owner = self.engine.registrar.owner_of(token, self.clock.now())
        return None if owner is None else caller_for(owner)

    def certified(self, identity_id: str) -> Caller | None:
        owner = self.engine.state.identities.get(identity_id)
        return caller_for(owner) if owner is not None and owner.status == "active" else None

    # --- policy -------------------------------------------------------------------------------

    async def reload_policy(self, caller: Caller) -> PolicyReloadView:
        async with self._reloading:
            self._gate()
            async with self._durably("policy.reload", "", caller):
                view, gone = await self._reload()
            await backstage(let_go, gone)
            return view

    async def _reload(self) -> tuple[PolicyReloadView, list[PolicyStack]]:
        """What changed, and the policy that is needed no more."""
        before = self.engine.policy
        try:
            # Compiling thousands of rules takes a second; questions must not wait for it.
            stack = await backstage(self._around.read_policy)
        except PolicyError as error:
            self.policy_error = _in_one_line(error)
            lines = tuple(finding.text(error.source) for finding in error.findings)
            self.engine.write(self.clock.now(), PolicyRejected(source=error.source, errors=lines))
            raise
        self.policy_error = None
        changed = stack.version != before.version
        if changed:
            self._gate()
            await self._around.apply_policy(stack)
            for_good()
        found = difference(before.document, stack.document)
        view = PolicyReloadView(
            stack.version,
            before.version,
            changed,
            found.added,
            found.removed,
            found.changed,
            self._not_yet(stack),
        )
        return view, [before if changed else stack]

    def _not_yet(self, stack: PolicyStack) -> tuple[str, ...]:
        """What of a policy counts from the next start of the daemon on."""
        asked, wanted = self.engine.state.book.model_id, stack.document.settings.forecast_model
        if asked == wanted:
            return ()
        said = (
            f"forecast_model: {asked} is asked until the daemon starts again, {wanted} from then on"
        )
        _log.warning("%s", said)
        return (said,)

    # --- the log ------------------------------------------------------------------------------

    async def snapshot(self, caller: Caller) -> SnapshotView:
        self._gate()
        async with self._durably("log.snapshot", "", caller):
            return await self._around.take_snapshot()

    async def verify(self, caller: Caller) -> VerifyView:
        self._gate()
        async with self._durably("log.verify", "", caller):
            now = self._look()
            written = self.journal.write(self.engine.take())
            seq, live = self.journal.handed, figures(self.engine.state, now)
            await written
            proof = await self._around.prove(seq, now)
        return _compared(proof, live)

    # --- simulated providers ------------------------------------------------------------------

    def inject(
        self,
        provider_id: str,
        pool_id: str,
        usage: int | None,
        limit: int | None,
        caller: Caller,
    ) -> None:
        self._gate()
        with self.noted("provider.inject", f"{provider_id}/{pool_id}", caller):
            self._around.inject(provider_id, pool_id, usage, limit)


def _in_one_line(error: PolicyError) -> str:
    first = error.findings[0].text(error.source)
    more = len(error.findings) - 1
    return f"{first}; and {more} more" if more else first


def _compared(proof: Proof, live: dict[str, list[int | None]]) -> VerifyView:
    differences = tuple(
        f"{key or 'holds and identities'}: the log yields {proof.figures.get(key)}, "
        f"the daemon says {live.get(key)}"
        for key in sorted({*live, *proof.figures})
        if proof.figures.get(key) != live.get(key)
    )
    known = not proof.fault
    return VerifyView(
        intact=known,
        events=proof.seq,
        chain=proof.chain,
        redacted=proof.redacted,
        fault=proof.fault or None,
        state="unknown" if not known else "differs" if differences else "same",
        differences=differences if known else (),
        snapshot=proof.snapshot,
        snapshot_seq=proof.snapshot_seq,
    )
