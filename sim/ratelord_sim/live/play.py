"""A scenario in real time against a daemon: set up, played, measured from outside, judged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from ratelord import AsyncClient
from ratelord_core.clock import SeededEntropy, SteppedClock
from ratelord_core.engine import Engine
from ratelord_core.errors import RatelordError
from ratelord_core.events.envelope import Draft, Event
from ratelord_core.model.ids import uuid_bytes
from ratelord_core.model.instant import Micros
from ratelord_core.parts import Parts
from ratelord_sim.actors.line import Asked
from ratelord_sim.invariants import judge
from ratelord_sim.live.audit import LogAudit
from ratelord_sim.live.client import Remote
from ratelord_sim.live.feeding import Feeder
from ratelord_sim.live.glance import LiveSeries, keep_looking
from ratelord_sim.live.history import fetch
from ratelord_sim.live.pacing import LiveStage
from ratelord_sim.live.unseen import NOT_PLAYED, UNSEEN, UNSEEN_WITHOUT_LOG
from ratelord_sim.measure.numbers import spread
from ratelord_sim.measure.series import Series
from ratelord_sim.play import Play
from ratelord_sim.result import Result, result_of
from ratelord_sim.scenario.model import Scenario

_PATIENCE = 5.0
"""Seconds for which answers under way are waited for when the play is over."""


async def play_live(
    scenario: Scenario, parts: Parts, client: AsyncClient, speed: float, target: str
) -> Result:
    """Play it; the result, with every invariant judged that can be from outside. Raises
    ``RatelordError`` if the daemon does not have the scenario's pools."""
    played = replace(
        scenario,
        faults=tuple(one for one in scenario.faults if one.kind not in NOT_PLAYED),
        daemon=replace(scenario.daemon, latency=0),
    )
    play = LivePlay(played, parts, client, speed)
    await play.check()
    await play.live()
    log = await fetch(client)
    unseen = UNSEEN if log is not None else UNSEEN | UNSEEN_WITHOUT_LOG
    if log is not None:
        play.take_in(log, parts)
    judged = judge([one for one in scenario.invariants if one.metric not in unseen], play.world)
    return result_of(scenario, play.world, judged) | {
        "mode": "live",
        "target": target,
        "speed": speed,
        "wall_latency_seconds": spread(play.remote.walls),
        "reports_lost": play.remote.unreported,
        "observations": {"sent": play.feeder.sent, "failed": play.feeder.failed},
        "not_judged": sorted({one.metric for one in scenario.invariants} & unseen),
        "not_played": sorted({one.kind for one in scenario.faults} & NOT_PLAYED),
    }


class LivePlay(Play):
    """One run against a daemon that somebody else started. Its own daemon never lives: it only
    knows what draws from which pool, and takes in the log when all is over."""

    def __init__(self, scenario: Scenario, parts: Parts, client: AsyncClient, speed: float) -> None:
        self.speed = speed
        self.client = client
        self.began: Micros = 0
        self.before = 0
        """Events that the daemon's log had already."""
        super().__init__(scenario, parts)
        accounts = self.daemon.accounts
        pools = tuple(pool for account in accounts for pool in account.pools())
        stack = self.daemon.stack
        self.daemon.engine.configure(stack, pools + stack.document.pools, self.stage.now)

    def _new_stage(self) -> LiveStage:
        self.pacing = LiveStage(self.scenario.start, self.speed, time.monotonic)
        return self.pacing

    def _asked(self) -> Asked:
        run = f"sim-{time.time_ns():x}"
        terms, engine = self.scenario.daemon, self.daemon.engine
        self.remote = Remote(self.pacing, self.client, terms, engine, run)
        return self.remote

    def _new_series(self) -> Series:
        self.shown = LiveSeries(self.daemon, self.services, self.notes)
        return self.shown

    # --- playing ------------------------------------------------------------------------------

    async def check(self) -> None:
        """Raise ``RatelordError`` if the daemon lacks a pool, or has it with another limit."""
        there = {f"{one['provider_id']}/{one['pool_id']}": one for one in await self.client.pools()}
        wrong = []
        for service in self.services.values():
            for key, pool in service.pools.items():
                if key not in there:
                    wrong.append(f"it has no pool {key}")
                elif there[key]["limit"] != pool.limit:
                    wrong.append(f"its {key} has {there[key]['limit']}, not {pool.limit}")
        if wrong:
            name = Path(self.scenario.source).name
            raise RatelordError(
                f"the daemon is not set up for this scenario: {'; '.join(wrong)}; start it with "
                f"the policy that ratelord-sim policy {name} --speed {self.speed:g} prints"
            )

    async def live(self) -> None:
        """Play to the end."""
        self.before = (await self.client.health())["seq"]
        self.began = time.time_ns() // 1000
        self.feeder = Feeder(self.pacing, self.client, self.began)
        await self.feeder.introduce(self.services.values())
        self._cast()
        for service in self.services.values():
            self.stage.spawn(self.feeder.keep(service))
        self.stage.spawn(keep_looking(self.pacing, self.client, self.shown))
        await self.pacing.live(self.stage.start + self.scenario.duration + 1, _PATIENCE)
        self._end()

    def take_in(self, log: Sequence[Event], parts: Parts) -> None:
        """Fold the daemon's log, hold it to its law, and look at what came of it."""
        daemon = self.daemon
        state = parts.blank(self.scenario.document.settings.forecast_model).state()
        audit = LogAudit(state, self.before)
        audit.read(log)
        self.world.audit.over.update(audit.over)
        daemon.engine = Engine(state, daemon.stack, SeededEntropy(0))
        daemon.clock = SteppedClock(log[-1].ts_event if log else self.began)
        drafts = [_draft(event) for event in log if event.seq > self.before]
        daemon.log.append(drafts, daemon.clock.now())
        self.world.drift.wrote(drafts)
        told = self.notes.acknowledged
        # When an action starts was told in the scenario's time, and is logged in life's.
        told[:] = [(intent_id, said, self._start(intent_id)) for intent_id, said, _ in told]

    def _start(self, intent_id: str) -> Micros | None:
        found = self.daemon.log.decision(uuid_bytes(intent_id))
        return None if found is None else found.start_at


def _draft(event: Event) -> Draft:
    return Draft(
        event.event_id,
        event.ts_event,
        event.payload,
        event.dimensions,
        event.source,
        event.correlation_id,
        event.causation_id,
    )
