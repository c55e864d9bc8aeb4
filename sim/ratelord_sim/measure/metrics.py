"""The metrics that invariants name: one line each, with what it means."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING

import msgspec

from ratelord_core.model.instant import HOUR, MINUTE, SECOND, Micros
from ratelord_sim.measure.numbers import jain, most_within, percentile, ratio, six
from ratelord_sim.measure.tally import Tally

if TYPE_CHECKING:
    from ratelord_sim.measure.world import View

Measure = Callable[["View"], float | None]
_WITHIN: Micros = SECOND // 10
_HENCE = (0, 5 * SECOND, MINUTE, HOUR)
"""When two states are compared, from the end on: what is promised must come true in both."""


class Metric(msgspec.Struct, frozen=True):
    """A number that a run has. ``of`` gives None where there is nothing to measure."""

    about: str
    of: Measure


def _tally(about: str, of: Callable[[Tally], float | None]) -> Metric:
    return Metric(about, lambda view: of(view.tally))


def _share(about: str, part: Callable[[Tally], int], whole: Callable[[Tally], int]) -> Metric:
    return _tally(about, lambda tally: ratio(part(tally), whole(tally)))


def _span(about: str, name: str, part: float) -> Metric:
    def of(tally: Tally) -> float | None:
        found = percentile(sorted(getattr(tally, name)), part)
        return None if found is None else found / SECOND

    return _tally(about, of)


def _utilisation(view: View, pick: Callable[[list[float]], float]) -> float | None:
    shares = []
    for key in view.pools:
        limit = view.world.services[key.partition("/")[0]].pools[key].limit
        shares += [end.used / limit for end in view.world.resets.endings[key] if limit]
    return pick(shares) if shares else None


def _variation(view: View) -> float | None:
    """Between steps of equal length; those in which a window ended are left out."""
    rates: list[int] = []
    for key in view.pools:
        used = view.world.series.pools[key].used
        rates += [after - before for before, after in pairwise(used) if after >= before]
    mean = sum(rates) / len(rates) if rates else 0.0
    if not mean:
        return None
    return sqrt(sum((rate - mean) ** 2 for rate in rates) / len(rates)) / mean


def _longest(spans: list[Micros]) -> float | None:
    return max(spans) / SECOND if spans else None


def _leaks(view: View) -> float:
    from ratelord_sim.measure.audit import kept_for_ever  # noqa: PLC0415 - the daemon's room leans on this one

    return len(kept_for_ever(view.world.daemon))


def _unlogged(view: View) -> float:
    from ratelord_core.model.ids import uuid_bytes  # noqa: PLC0415 - rarely asked for

    log = view.world.daemon.log
    missing = 0
    for intent_id, said, start_at in view.world.notes.acknowledged:
        found = log.decision(uuid_bytes(intent_id))
        missing += found is None or (found.decision, found.start_at) != (said, start_at)
    return missing


def _differs(view: View) -> float:
    daemon = view.world.daemon
    if not daemon.alive:
        return 0.0  # what it had not written down died with it
    daemon.flush()
    now, live, again = daemon.clock.now(), daemon.engine.state, daemon.replayed()
    differs = (again.picture(now + span) != live.picture(now + span) for span in _HENCE)
    return float(any(differs))


METRICS: dict[str, Metric] = {
    "demands": _tally("things that agents wanted to do", lambda t: t.demands),
    "requests": _tally("questions that agents asked", lambda t: t.requests),
    "approved": _tally("answers `approve`", lambda t: t.approved),
    "modified": _tally("answers `approve_with_modifications`", lambda t: t.modified),
    "denied": _tally("answers `deny_with_reason`", lambda t: t.denied),
    "errors": _tally("questions without a decision", lambda t: t.errors),
    "started": _tally("actions that began", lambda t: t.started),
    "succeeded": _tally("actions that the provider did", lambda t: t.succeeded),
    "provider_refusals": _tally("actions that the provider refused (429)", lambda t: t.refused),
    "provider_failures": _tally("actions that failed or timed out", lambda t: t.failed),
    "units": _tally("units of actions that succeeded", lambda t: t.units),
    "unreported": _tally("actions that nobody reported", lambda t: t.unreported),
    "disobeyed": _tally("actions against what was answered", lambda t: t.disobeyed),
    "redirected": _tally(
        "actions done in another way than asked: identity, route, protocol, smaller",
        lambda t: t.redirected,
    ),
    "approval_rate": _share(
        "share of questions that were allowed, at once or later",
        lambda t: t.approved + t.modified,
        lambda t: t.requests,
    ),
    "immediate_rate": _share(
        "share of questions that were approved as asked", lambda t: t.approved, lambda t: t.requests
    ),
    "modification_rate": _share(
        "share of questions that were allowed with changes",
        lambda t: t.modified,
        lambda t: t.requests,
    ),
    "denial_rate": _share(
        "share of questions that were denied", lambda t: t.denied, lambda t: t.requests
    ),
    "error_rate": _share(
        "share of questions without a decision", lambda t: t.errors, lambda t: t.requests
    ),
    "served_rate": _share(
        "share of demands that the provider did", lambda t: t.succeeded, lambda t: t.demands
    ),
    "refusal_rate": _share(
        "share of actions that the provider refused", lambda t: t.refused, lambda t: t.started
    ),
    "latency_p50": _span("seconds to an answer, median", "latencies", 0.5),
    "latency_p99": _span("seconds to an answer, 99 % at most", "latencies", 0.99),
    "latency_max": _span("seconds to an answer, longest", "latencies", 1.0),
    "wait_p50": _span("seconds from the answer to the start, median", "waits", 0.5),
    "wait_p90": _span("seconds from the answer to the start, 90 % at most", "waits", 0.9),
    "wait_p99": _span("seconds from the answer to the start, 99 % at most", "waits", 0.99),
    "wait_max": _span("seconds from the answer to the start, longest", "waits", 1.0),
    "crowding": _tally(
        "most actions that had waited and began within 0.1 s",
        lambda t: most_within(t.starts, _WITHIN),
    ),
    "fairness": _tally(
        "Jain's index over units per weight of every agent", lambda t: jain(t.by_agent.values())
    ),
    "starved": _tally(
        "agents that got nothing at all", lambda t: sum(not got for got in t.by_agent.values())
    ),
    "neglected": Metric(
        "agents that asked in vain for long while others like them were served",
        lambda v: len(v.world.neglect.starving()),
    ),
    "over_admissions": Metric(
        "approvals past what was known to be there",
        lambda v: sum(v.world.audit.over.values()),
    ),
    "windows": Metric(
        "windows that ended while it played",
        lambda v: sum(len(v.world.resets.endings[key]) for key in v.pools),
    ),
    "utilisation_mean": Metric(
        "share of the limit used when windows ended, mean",
        lambda v: _utilisation(v, lambda shares: sum(shares) / len(shares)),
    ),
    "utilisation_min": Metric(
        "share of the limit used when windows ended, least", lambda v: _utilisation(v, min)
    ),
    "utilisation_max": Metric(
        "share of the limit used when windows ended, most", lambda v: _utilisation(v, max)
    ),
    "variation": Metric(
        "standard deviation of the use of 120 equal parts of the time, as a share of their mean",
        _variation,
    ),
    "hidden_units": Metric(
        "units spent behind the daemon's back",
        lambda v: sum(v.world.drift.hidden.get(key, 0) for key in v.pools),
    ),
    "drift_detections": Metric("times that drift was noticed", lambda v: v.world.drift.detections),
    "drift_delay_max": Metric(
        "seconds from hidden spending to its detection, longest",
        lambda v: _longest(v.world.drift.delays),
    ),
    "drift_polls_max": Metric(
        "polls from hidden spending to its detection, most",
        lambda v: max(v.world.drift.polls, default=None),
    ),
    "drift_tightened": Metric(
        "share of detections after which P99 of the time to exhaustion fell",
        lambda v: ratio(v.world.drift.tightened, len(v.world.drift.delays)),
    ),
    "brier": Metric(
        "Brier score of the probability of exhaustion", lambda v: v.world.calibration.score.brier()
    ),
    "coverage_p90": Metric(
        "share of P90 bounds that held", lambda v: v.world.calibration.score.coverage("p90")
    ),
    "coverage_p99": Metric(
        "share of P99 bounds that held", lambda v: v.world.calibration.score.coverage("p99")
    ),
    "exhaustions": Metric(
        "windows in which a pool ran dry", lambda v: v.world.calibration.score.exhausted
    ),
    "circuits_opened": Metric("times that a circuit opened", lambda v: v.world.circuits.opened),
    "circuits_healed": Metric("times that one closed again", lambda v: v.world.circuits.healed),
    "calls_while_open": Metric(
        "requests that reached a provider whose circuit was open",
        lambda v: v.world.circuits.calls_while_open,
    ),
    "failed_polls": Metric("polls that failed", lambda v: v.world.circuits.failed_polls),
    "backoff": Metric(
        "longest pause after a failed poll, in multiples of the first",
        lambda v: v.world.circuits.backoff,
    ),
    "open_max": Metric(
        "seconds that a circuit was open before it healed, longest",
        lambda v: _longest(v.world.circuits.open_spans),
    ),
    "restarts": Metric("lives of the daemon after its first", lambda v: v.world.daemon.lives - 1),
    "messages_lost": Metric("messages that the network lost", lambda v: v.world.line.lost),
    "leaks": Metric("holds that never end, and pools that never have all their room again", _leaks),
    "decided_twice": Metric(
        "questions that were decided a second time", lambda v: v.world.daemon.log.repeats
    ),
    "unlogged_answers": Metric(
        "answers that were told but are not in the log, or otherwise", _unlogged
    ),
    "replay_differs": Metric("1 if a replay of the log gives another state", _differs),
}


def measured(name: str, view: View) -> float | None:
    """A metric of a view, to six significant digits."""
    found = METRICS[name].of(view)
    return None if found is None else six(float(found))
