"""The result of a run as plain data: the same bytes for the same scenario, seed and version."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core import __version__
from ratelord_core.model.instant import to_text
from ratelord_sim.invariants import Judged
from ratelord_sim.measure.numbers import jain, ratio, seconds, six, spread
from ratelord_sim.measure.resets import MOST
from ratelord_sim.measure.tally import Tally
from ratelord_sim.measure.world import World
from ratelord_sim.scenario.model import Scenario

Result = dict[str, Any]
"""What ``--json`` prints: see the page on simulation."""


def result_of(scenario: Scenario, world: World, judged: tuple[Judged, ...]) -> Result:
    """Everything that was measured. No clock of this world is in it."""
    notes = world.notes
    phases = list(dict.fromkeys(phase for _, phase in notes.tallies))
    return {
        "scenario": scenario.name,
        "description": scenario.description,
        "mode": "virtual",
        "version": __version__,
        "policy_version": scenario.document.version,
        "seed": scenario.seed,
        "start": to_text(scenario.start),
        "duration_seconds": seconds(scenario.duration),
        "success": all(one.passed for one in judged),
        "invariants": [msgspec.to_builtins(one) for one in judged],
        "totals": summary(notes.total()),
        "groups": {group.name: summary(notes.total(group.name)) for group in scenario.agents},
        "phases": {phase: summary(notes.total(phase=phase)) for phase in phases},
        "pools": {key: _pool(world, key) for key in world.pools},
        "forecast": _forecast(world),
        "drift": _drift(world),
        "circuits": _circuits(world),
        "daemon": _daemon(world),
        "series": _series(world),
    }


def encode(value: Any) -> bytes:
    """JSON with sorted keys and a line end."""
    text = msgspec.json.encode(value, order="sorted")
    return msgspec.json.format(text, indent=2) + b"\n"


def summary(tally: Tally) -> dict[str, Any]:
    """A tally with its rates and spreads."""
    allowed = tally.approved + tally.modified
    return {
        "demands": tally.demands,
        "requests": tally.requests,
        "approved": tally.approved,
        "modified": tally.modified,
        "denied": tally.denied,
        "errors": tally.errors,
        "started": tally.started,
        "succeeded": tally.succeeded,
        "provider_refusals": tally.refused,
        "provider_failures": tally.failed,
        "units": tally.units,
        "reported": tally.reported,
        "unreported": tally.unreported,
        "disobeyed": tally.disobeyed,
        "cancelled": tally.cancelled,
        "redirected": tally.redirected,
        "approval_rate": six(ratio(allowed, tally.requests)),
        "immediate_rate": six(ratio(tally.approved, tally.requests)),
        "modification_rate": six(ratio(tally.modified, tally.requests)),
        "denial_rate": six(ratio(tally.denied, tally.requests)),
        "error_rate": six(ratio(tally.errors, tally.requests)),
        "denials": dict(sorted(tally.reasons.items())),
        "modifications": dict(sorted(tally.changes.items())),
        "latency_seconds": spread(tally.latencies),
        "wait_seconds": spread(tally.waits),
        "fairness": six(jain(tally.by_agent.values())),
        "agents": len(tally.by_agent),
        "starved": sum(not got for got in tally.by_agent.values()),
    }


def _pool(world: World, key: str) -> dict[str, Any]:
    service = world.services[key.partition("/")[0]]
    terms, endings = service.pools[key], world.resets.endings[key]
    shares = [end.used / terms.limit for end in endings if terms.limit]
    return {
        "limit": terms.limit,
        "unit": terms.unit,
        "window": terms.window.kind,
        "over_admissions": world.audit.over[key],
        "hidden_units": world.drift.hidden.get(key, 0),
        "resets": [
            {
                "at_seconds": seconds(end.at),
                "used": end.used,
                "utilisation": six(end.used / terms.limit) if terms.limit else None,
            }
            for end in endings[:MOST]
        ],
        "resets_count": len(endings),
        "utilisation_mean": six(ratio(sum(shares), len(shares))),
    }


def _forecast(world: World) -> dict[str, Any]:
    score = world.calibration.score
    return {
        "quotes": score.quotes,
        "windows": score.windows,
        "exhausted": score.exhausted,
        "brier": six(score.brier()),
        "coverage": {bound: six(score.coverage(bound)) for bound in score.tested},
        "bounds_tested": dict(score.tested),
    }


def _drift(world: World) -> dict[str, Any]:
    drift = world.drift
    return {
        "hidden_units": sum(drift.hidden.values()),
        "detections": drift.detections,
        "delay_seconds": spread(drift.delays),
        "polls_max": max(drift.polls, default=None),
        "tightened": drift.tightened,
    }


def _circuits(world: World) -> dict[str, Any]:
    circuits = world.circuits
    return {
        "opened": circuits.opened,
        "healed": circuits.healed,
        "open_seconds": spread(circuits.open_spans),
        "calls_while_open": circuits.calls_while_open,
        "failed_polls": circuits.failed_polls,
        "retry_pauses_seconds": [seconds(pause) for pause in circuits.retries[:50]],
        "backoff": six(circuits.backoff),
    }


def _daemon(world: World) -> dict[str, Any]:
    return {
        "events": world.daemon.log.length,
        "restarts": world.daemon.lives - 1 if world.daemon.lives else None,
        "messages_lost": world.line.lost,
        "messages_doubled": world.line.doubled,
        "over_admissions": sum(world.audit.over.values()),
    }


def _series(world: World) -> dict[str, Any]:
    series = world.series
    return {
        "step_seconds": seconds(series.step),
        "decisions": series.decisions,
        "pools": {key: msgspec.to_builtins(pool) for key, pool in series.pools.items()},
    }
