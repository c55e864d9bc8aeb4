"""A scenario on the stage: set up, played to its end, measured, judged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ratelord_core.parts import Parts
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.stack import compile_policy
from ratelord_core.replay import without_garbage
from ratelord_sim.actors.agent import Agent
from ratelord_sim.actors.calendar import Calendar
from ratelord_sim.actors.line import Asked, Line
from ratelord_sim.actors.saboteur import sabotage
from ratelord_sim.actors.trace import Rows, parts_of_trace
from ratelord_sim.chance import stream
from ratelord_sim.daemon import Daemon
from ratelord_sim.invariants import Judged, judge
from ratelord_sim.measure.audit import Audit
from ratelord_sim.measure.calibration import Calibration
from ratelord_sim.measure.circuits import Circuits
from ratelord_sim.measure.drift import Drift
from ratelord_sim.measure.listeners import Listeners
from ratelord_sim.measure.neglect import Neglect
from ratelord_sim.measure.resets import Resets
from ratelord_sim.measure.series import Series
from ratelord_sim.measure.tally import Notes
from ratelord_sim.measure.world import World
from ratelord_sim.provider.account import account_of
from ratelord_sim.provider.service import Service
from ratelord_sim.result import Result, result_of
from ratelord_sim.scenario.model import AgentTerms, Scenario
from ratelord_sim.scenario.world import world_pools, world_providers
from ratelord_sim.stage import Stage

Progress = Callable[[float], None]
"""Hears which part of the time has been played."""

_BEATS = 100


def play(scenario: Scenario, parts: Parts, progress: Progress | None = None) -> Result:
    """Play it; the result, with every invariant judged."""
    with without_garbage():
        world = Play(scenario, parts).run(progress)
        return result_of(scenario, world, judge(scenario.invariants, world))


def played(scenario: Scenario, parts: Parts) -> World:
    """Play it; everything that was measured."""
    with without_garbage():
        return Play(scenario, parts).run()


def judged_play(scenario: Scenario, parts: Parts) -> tuple[Judged, ...]:
    """Play it; the invariants alone."""
    return judge(scenario.invariants, played(scenario, parts))


class Play:
    """One run of a scenario, from its first instant on."""

    def __init__(self, scenario: Scenario, parts: Parts) -> None:
        self.scenario = scenario
        self.stage = self._new_stage()
        self.services = self._services(parts)
        self.listeners = Listeners()
        document = scenario.document
        self.daemon = Daemon(
            self.stage,
            scenario.daemon,
            compile_policy(document, parts.actions, Conditions(parts.functions)),
            parts.blank(document.settings.forecast_model),
            [account_of(service) for service in self.services.values()],
            scenario.seed,
            self.listeners,
        )
        chance = stream(scenario.seed, "network")
        self.line = Line(self._asked(), scenario.faults, chance)
        self.notes = Notes()
        self.calendar = Calendar(scenario.phases, scenario.duration, self.stage)
        self.world = self._world()
        self._crashes = 0
        self._parts = parts

    def _new_stage(self) -> Stage:
        return Stage(self.scenario.start)

    def _asked(self) -> Asked:
        """Whom agents ask."""
        return self.daemon

    def _services(self, parts: Parts) -> dict[str, Service]:
        scenario, pools = self.scenario, world_pools(self.scenario, parts)
        return {
            terms.id: Service(
                terms,
                [pool for pool in pools if pool.id.startswith(f"{terms.id}/")],
                scenario.faults,
                self.stage,
                scenario.seed,
            )
            for terms in world_providers(scenario)
        }

    def _world(self) -> World:
        audit, drift = Audit(), Drift(self.daemon)
        calibration = Calibration(self.daemon)
        circuits = Circuits(self.daemon, self.services)
        neglect = Neglect(self.daemon)
        audit.watch(self.daemon)
        self.listeners.add(audit, drift, calibration, circuits, neglect)
        resets = Resets(self.services)
        series = self._new_series()
        return World(
            self.daemon,
            self.services,
            self.line,
            self.notes,
            audit,
            drift,
            calibration,
            circuits,
            neglect,
            resets,
            series,
        )

    def _new_series(self) -> Series:
        return Series(self.daemon, self.services, self.notes)

    # --- playing ------------------------------------------------------------------------------

    def run(self, progress: Progress | None = None) -> World:
        """Play to the end."""
        scenario, stage = self.scenario, self.stage
        self.daemon.start()
        self._plan_faults()
        self._cast()
        for beat in range(1, _BEATS + 1):
            stage.run(scenario.start + scenario.duration * beat // _BEATS + (beat == _BEATS))
            if progress is not None:
                progress(beat / _BEATS)
        self._end()
        return self.world

    def _cast(self) -> None:
        """Everybody who acts of their own accord."""
        folder = Path(self.scenario.source).parent
        for group in self.scenario.agents:
            rows: list[Rows] = parts_of_trace(group, folder) if group.trace else []
            for number in range(1, group.count + 1):
                agent = self._agent(group, number, rows[number - 1] if rows else ())
                self.stage.spawn(agent.live())
        for terms in self.scenario.sabotage:
            if terms.enabled:
                hidden = self.world.drift.spent
                self.stage.spawn(sabotage(terms, self.services, self.stage, hidden))
        self.stage.spawn(self.world.series.watch(self.scenario.duration))

    def _agent(self, group: AgentTerms, number: int, rows: Rows) -> Agent:
        return Agent(
            number,
            group,
            self._parts.behaviors[group.behavior],
            self.stage,
            self.line,
            self.services,
            self.calendar,
            self.notes,
            stream(self.scenario.seed, "agent", group.name, number),
            rows,
        )

    def _plan_faults(self) -> None:
        start, daemon = self.stage.start, self.daemon
        for fault in self.scenario.faults:
            if fault.kind == "crash":
                self.stage.at(start + fault.at, self._fall)
                self.stage.at(start + fault.at + fault.duration, self._rise)
            elif fault.kind == "clock_step":
                self.stage.at(start + fault.at, partial(_step, daemon, fault.by))

    def _fall(self) -> None:
        self._crashes += 1
        self.daemon.crash()

    def _rise(self) -> None:
        """It comes back when the last of the crashes that overlap is over."""
        self._crashes -= 1
        if not self._crashes:
            self.daemon.start()

    def _end(self) -> None:
        """Windows that ended, and circuits that are still open, are counted."""
        for service in self.services.values():
            for meter in service.truth.values():
                meter.used(self.stage.now)
        self.world.circuits.finish()


def _step(daemon: Daemon, by: int) -> None:
    daemon.host.step += by
