"""One daemon's life: open the log, rebuild the state, serve, stop in good order."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ratelord_core import __version__, plugins
from ratelord_core.arbiter import Arbiter
from ratelord_core.clock import SystemClock, SystemEntropy
from ratelord_core.daemon.accounts import Accounts
from ratelord_core.daemon.aside import Kind, Task
from ratelord_core.daemon.exporting import close_exporters
from ratelord_core.daemon.fleet import Fleet
from ratelord_core.daemon.keeper import Keeper
from ratelord_core.daemon.logs import lines_on_stderr, silence
from ratelord_core.daemon.looking_back import LookBack
from ratelord_core.daemon.metrics import Metrics
from ratelord_core.daemon.policy_source import PolicySource
from ratelord_core.daemon.policy_watch import PolicyWatch
from ratelord_core.daemon.recovery import Recovery
from ratelord_core.daemon.rule_log import log_rules
from ratelord_core.daemon.serving import log_place, open_door
from ratelord_core.daemon.shadow import Shadow
from ratelord_core.daemon.signals import WATCH, Signals, log_failure
from ratelord_core.daemon.snapshots import Snapshots
from ratelord_core.engine import Engine
from ratelord_core.errors import RatelordError, SettingsError
from ratelord_core.events.codec import Sealer
from ratelord_core.events.lines import PluginSeen
from ratelord_core.events.payloads import Payload, SystemStarted, SystemStopped
from ratelord_core.journal import Journal
from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.model.instant import Micros
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.replay import Blank
from ratelord_core.settings import Settings, default_db_path
from ratelord_core.surroundings import Surroundings

_log = logging.getLogger(__name__)
_TICK = 0.25
_GC_THRESHOLDS = (50_000, 20, 100)
"""Most of what a decision makes is freed at once, and what lasts is in no cycle: looking for
garbage more rarely cuts a third off the slowest hundredth of the answers."""
_FIRST_POLLS = 5_000_000


def run(settings: Settings, announce: Callable[[str], None] = print) -> int:
    """Run a daemon until it is told to stop; its exit code.

    Raises ``RatelordError`` in one line if it cannot start. ``announce`` gets one line once the
    daemon listens.
    """
    import uvloop  # noqa: PLC0415 - only a daemon needs it

    lines = lines_on_stderr(settings.log_level, settings.log_format)
    with lines, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        daemon = Daemon(settings)
        silence(daemon.conceal)
        return runner.run(daemon.live(announce))


@asynccontextmanager
async def embedded(settings: Settings) -> AsyncIterator[Arbiter]:
    """An arbiter inside the caller's process: a daemon without a door, and without signals.

    Raises ``StoreLocked`` if a daemon, or another process like this one, has the log.
    """
    async with Daemon(settings).deciding() as arbiter:
        yield arbiter


class Daemon:
    """Everything one daemon consists of."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._plugins = plugins.load(settings.without)
        self._entropy = SystemEntropy()
        self._store = self._open_store()
        head = self._store.head()
        self._clock = SystemClock(not_before=head.ts_ingest)
        self._accounts = Accounts(self._plugins.named("ratelord_register_providers"), self._clock)
        try:
            self._policy = PolicySource(settings.policy_path, self._plugins, self._accounts)
            self._stack = self._policy.read()
            self._snapshots = self._open_snapshots()
            state = self._snapshots.restore()
        except BaseException:
            self._store.close()
            raise
        self._recovery = Recovery(self._store, self._snapshots.restore)
        self._keeper = Keeper(
            self._store, self._snapshots, self._task, self.settings.snapshot_events
        )
        self._recovered_seq = head.seq
        sealer = Sealer(SystemEntropy(), seq=head.seq, chain=head.chain)
        self._journal = Journal(self._store, sealer, self._clock, on_failure=self._recovery.begin)
        self._fleet = Fleet(self._accounts, self._clock, self._entropy)
        self.arbiter = self._make_arbiter(Engine(state, self._stack, self._entropy))
        self._signals = Signals(self.arbiter, settings.tls_cert)

    def conceal(self, text: str) -> str:
        """The text without any credential that was fetched."""
        return self._accounts.secrets.conceal(text)

    # --- composing ----------------------------------------------------------------------------

    def _open_store(self) -> Any:
        stores = self._plugins.named("ratelord_register_stores")
        self._stores = _chosen(stores, self.settings.store, "store")
        path = self.settings.db_path
        if path == default_db_path():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._stores.open_events(path)

    def _open_snapshots(self) -> Snapshots:
        kept = self._stores.open_snapshots(self.settings.db_path)
        return Snapshots(self._store, kept, self._choose_blank(), self._clock)

    def _choose_blank(self) -> Blank:
        graphs = self._plugins.named("ratelord_register_graphs")
        models = self._plugins.named("ratelord_register_forecast_models", "model_id")
        model = self._stack.document.settings.forecast_model
        return Blank(
            _chosen(graphs, self.settings.graph, "graph"),
            _chosen(models, model, "forecast_model"),
            self._plugins.controllers(),
        )

    def _task(self, kind: Kind, up_to: int, now: Micros) -> Task:
        """What a process beside this one is told."""
        given, model = self.settings, self._stack.document.settings.forecast_model
        where = (str(given.db_path.resolve()), given.store, given.graph, model)
        return Task(kind, *where, up_to, now, given.without, os.getpid())

    def _make_arbiter(self, engine: Engine) -> LocalArbiter:
        def replayed() -> tuple[float, int]:
            return self._snapshots.seconds, self._snapshots.replayed

        around = Surroundings(
            read_policy=self._policy.read,
            check_policy=self._policy.check,
            apply_policy=self._apply_policy,
            read_headers=self._fleet.read_headers,
            inject=self._fleet.inject,
            provider_health=self._fleet.health,
            identity_changed=self._fleet.identity_changed,
            metrics=lambda: Metrics(arbiter, replayed).text(),
            families=lambda: Metrics(arbiter, replayed).collect(),
            take_snapshot=lambda: self._keeper.take(arbiter),
            prove=self._keeper.prove,
            plugins=self._plugins.listed,
            look_back=LookBack(
                self._store, self._snapshots.blank, self._policy.compiled, self._entropy
            ).nearest,
        )
        if self.settings.trace_policy:
            engine.negotiator.watcher = log_rules
        arbiter = LocalArbiter(engine, self._journal, self._store, self._clock, around)
        self._fleet.report_to(arbiter)
        self._recovery.serve(arbiter, self._configure_again)
        return arbiter

    async def _configure_again(self) -> None:
        await self._apply_policy(self.arbiter.engine.policy)

    async def _apply_policy(self, stack: PolicyStack) -> None:
        pools = self._fleet.sail(stack.document)
        self.arbiter.engine.configure(stack, pools + stack.document.pools, self._clock.now())

    # --- living -------------------------------------------------------------------------------

    async def live(self, announce: Callable[[str], None]) -> int:
        """Start, serve until told to stop, stop."""
        self._signals.listen()
        async with self.deciding():
            shadow = Shadow(self.arbiter, log_place(self.settings), self._policy.check)
            server, exporters = await open_door(
                self.arbiter, self.settings, self._entropy, self._plugins.things, shadow
            )
            await shadow.begin_with(self.settings.shadow_policy)
            self._signals.show_certificate = server.reload_certificate
            gc.collect()
            gc.freeze()
            gc.set_threshold(*_GC_THRESHOLDS)
            announce(f"ratelord is listening on {server.url}")
            await self._signals.stopping.wait()
            self.arbiter.phase = "stopping"
            await server.stop()
            await shadow.end()
            await close_exporters(exporters)
        return 0

    @asynccontextmanager
    async def deciding(self) -> AsyncIterator[LocalArbiter]:
        """The arbiter at work, with the world being watched, for the time of the block; there is
        no door yet."""
        self._journal.start()
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._write_start()
            tasks = [
                asyncio.create_task(self._fleet.watcher.run(), name="watcher"),
                asyncio.create_task(self._open_for_questions(), name="opening"),
                asyncio.create_task(self._tick(), name="tick"),
                *self._watch_policy(),
            ]
            yield self.arbiter
        finally:
            await _end(tasks)
            await self._close()

    async def _write_start(self) -> None:
        now = self._clock.now()
        present = [info for info in self._plugins.listed if info.state == "loaded"]
        seen = tuple(PluginSeen(one.name, one.version, one.distribution) for one in present)
        started = SystemStarted(
            version=__version__, plugins=seen, recovered_seq=self._recovered_seq
        )
        self.arbiter.engine.write(now, started)
        await self._apply_policy(self._stack)
        await self.arbiter.flush()
        if 0 < 2 * self.settings.snapshot_events <= self._snapshots.replayed:
            # Who is killed before a snapshot is done, again and again, would read more each time.
            await self._keep_snapshot()

    async def _keep_snapshot(self, *last: Payload) -> None:
        """Keep a snapshot of the state, if it is worth that; write it and ``last`` down."""
        kept = self._keeper.offer(self.arbiter)
        for payload in last:
            self.arbiter.engine.write(self._clock.now(), payload)
        await self.arbiter.flush()
        if kept is not None:
            self._keeper.adopt(kept)

    def _watch_policy(self) -> Iterator[asyncio.Task[None]]:
        path, every = self._policy.path, self.settings.policy_watch
        if path is not None and every:
            reload = partial(self._signals.reload_policy, WATCH)
            watch = PolicyWatch(path, lambda: self._policy.digest, reload)
            yield asyncio.create_task(watch.run(every), name="policy watch")

    async def _open_for_questions(self) -> None:
        """Answer questions once every provider was polled, or after five seconds."""
        await self._fleet.watcher.wait_first_attempts(_FIRST_POLLS)
        if self.arbiter.phase == "starting":
            self.arbiter.phase = "running"

    async def _tick(self) -> None:
        """Let time pass although nobody asks: expiry, resets, forecasts, system status."""
        while True:
            await asyncio.sleep(_TICK)
            if self._journal.failed is not None:
                continue
            try:
                self.arbiter.engine.lookout.look(self._clock.now())
                await self.arbiter.flush()
                self._keeper.watch(self.arbiter)
            except RatelordError as error:
                _log.warning("tick: %s", error)
            except Exception:  # noqa: BLE001 - one bad tick must not end the daemon
                _log.exception("tick failed; the daemon lives on")

    async def _close(self) -> None:
        self._recovery.cancel()
        await self._keeper.cancel()
        if self._journal.failed is None:
            try:
                await self.arbiter.flush()
                await self._journal.drain()
                await self._keep_snapshot(SystemStopped())
            except RatelordError as error:
                _log.error("the stop could not be written down: %s", error)
        await self._journal.close()
        self._store.close()


def _chosen(offered: dict[str, Any], name: str, setting: str) -> Any:
    if name not in offered:
        known = ", ".join(sorted(offered)) or "none"
        raise SettingsError(
            f"{setting} {name!r} is not offered by any plugin; choose from: {known}"
        )
    return offered[name]


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        await asyncio.wait((task,))
        log_failure(task)
