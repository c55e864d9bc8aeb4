"""Tells agents what they plan with: what binds them, what fits when, how a plan would go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ratelord_core.engine.answering import span_text
from ratelord_core.engine.course import draws_of
from ratelord_core.engine.reader import Reader
from ratelord_core.engine.rehearsal import rehearse
from ratelord_core.engine.state import State
from ratelord_core.errors import InvalidRequest
from ratelord_core.graph import Binding
from ratelord_core.ledger import Asker, Need
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import UNKNOWN, Entropy
from ratelord_core.model.instant import Micros, to_seconds, to_text
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import Pool
from ratelord_core.model.prospects import ConstraintView, FitView, PlanView, StepView
from ratelord_core.policy.rule import Rule
from ratelord_core.policy.stack import PolicyStack

_WORKLOADS = 200
"""Workloads that are looked at when none is named."""


class Surveyor:
    """Answers questions about what would be. Reads only; the caller has let time pass before."""

    def __init__(self, state: State, policy: PolicyStack, entropy: Entropy, reader: Reader) -> None:
        self._state = state
        self._policy = policy
        self._entropy = entropy
        self._reader = reader

    # --- what binds ---------------------------------------------------------------------------

    def constraints(self, who: Dimensions, now: Micros) -> list[ConstraintView]:
        """What binds these dimensions: pools first, then rules in the order in which they are
        looked at, then the identity's state. An unknown workload stands for every declared one."""
        pools: dict[str, float | None] = {}
        rules: dict[tuple[str, str], tuple[int, Rule, str]] = {}
        for workload_id in self._workloads(who.workload_id):
            intent = Intent(who.agent_id, who.identity_id, workload_id, who.scope_id)
            binding = self._state.graph.bind(intent)
            for draw in draws_of(binding, self._policy.levels(binding, intent)):
                pool = self._state.divisions.drawn(self._state, draw.pool, intent)
                pools.setdefault(pool, draw.consumes)
            for rank, rule, level in self._rules(binding, intent):
                rules.setdefault((rule.policy_id, rule.name), (rank, rule, level))
        found = [self._pool(key, pools[key], now) for key in sorted(pools)]
        in_order = sorted(rules.values(), key=lambda each: (each[0], each[1].order))
        found += [_rule(rule, level) for _, rule, level in in_order]
        return found + self._identity(who.identity_id, who.agent_id)

    def _workloads(self, named: str) -> Iterable[str]:
        if named != UNKNOWN:
            return (named,)
        declared = sorted(self._state.topology.workloads)[:_WORKLOADS]
        return (UNKNOWN, *declared)

    def _rules(self, binding: Binding, intent: Intent) -> Iterator[tuple[int, Rule, str]]:
        """Every rule with its level's rank, the first to be looked at lowest, and its name."""
        names = ("global", *reversed(binding.scopes), "pool", "identity/agent")
        for level in self._policy.levels(binding, intent):
            for rule, _ in level.candidates:
                yield names.index(level.name), rule, level.name

    def _pool(self, key: str, consumes: float | None, now: Micros) -> ConstraintView:
        self._state.ledger.account(key, now)  # opens that of a part which nobody drew from yet
        view = self._reader.pool(key, now)
        per_call = "" if consumes is None else f", {consumes:g} a call"
        most = "no known limit" if view.limit is None else f"at most {view.limit} {view.unit}"
        text = f"{most} per {_window(self._state.ledger.accounts[key].pool)}{per_call}"
        text += f"; {view.available} left" if view.limit is not None else ""
        return ConstraintView(
            "pool",
            key,
            text,
            view.available if view.limit is not None else None,
            view.limit,
            view.unit,
            view.reset_at,
            view.risk_level,
        )

    def _identity(self, identity_id: str, agent_id: str) -> list[ConstraintView]:
        identity = self._state.identities.get(identity_id)
        if identity is None:
            if not self._state.settings.strict_identities or identity_id == UNKNOWN:
                return []
            return [ConstraintView("identity", identity_id, "not registered: nothing is approved")]
        if identity.status != "active":
            said = f"{identity.status}: nothing is approved"
            return [ConstraintView("identity", identity_id, said)]
        if identity.allowed_agents and agent_id not in (*identity.allowed_agents, UNKNOWN):
            return [ConstraintView("identity", identity_id, f"agent {agent_id} may not use it")]
        return []

    # --- what fits ----------------------------------------------------------------------------

    def fit(
        self, key: str, units: int, by: Micros, asker: Asker, lifetime: Micros, now: Micros
    ) -> FitView:
        """Whether so many units of a pool could be held by an instant; holds nothing."""
        view = self._reader.pool(key, now)
        figures = self._state.ledger.account(key, now).figures(now)
        needs = [Need(key, units, lifetime)]
        start = self._state.ledger.propose(needs, asker, now, latest=now).start
        standing = self._state.standing(key, figures, now)
        forecast = self._state.book.with_intent(key, now, standing, units)
        level = self._state.level(key, forecast, figures, now)
        fits = start is not None and start <= by
        return FitView(
            pool=key,
            units=units,
            by=to_text(by),
            fits=fits,
            earliest_at=None if start is None else to_text(start),
            available=view.available,
            p_exhaustion=forecast.p_exhaustion,
            risk_level=level,
            reason=_fit_reason(view.available, units, start, by, now),
        )

    # --- how a plan would go ------------------------------------------------------------------

    def plan(self, intents: Sequence[Intent], now: Micros) -> PlanView:
        """How these intents would be answered one after another."""
        if not intents:
            raise InvalidRequest("the plan has no steps; send at least one intent")
        decided = rehearse(self._state, self._policy, self._entropy, intents, now)
        steps = []
        for index, decision in enumerate(decided):
            tightest = min(decision.holds, key=lambda line: line.remaining, default=None)
            start = decision.start_at
            steps.append(
                StepView(
                    index=index,
                    decision=decision.decision,
                    allowed=decision.allowed,
                    reason_code=decision.reason_code,
                    reason=decision.reason,
                    start_at=None if start is None else to_text(start),
                    wait_seconds=0.0 if start is None else to_seconds(start - now),
                    tightest_pool=None if tightest is None else tightest.pool,
                    remaining=None if tightest is None else tightest.remaining,
                    retry_after_seconds=_whole_seconds(decision.retry_after),
                )
            )
        return _plan(steps)


def _plan(steps: Sequence[StepView]) -> PlanView:
    fitting = sorted(
        (step for step in steps if step.allowed), key=lambda step: (step.start_at or "", step.index)
    )
    misfits = tuple(step.index for step in steps if not step.allowed)
    return PlanView(
        fits=not misfits,
        order=tuple(step.index for step in fitting),
        misfits=misfits,
        last_start_at=fitting[-1].start_at if fitting else None,
        steps=tuple(steps),
    )


def _whole_seconds(span: Micros | None) -> int | None:
    return None if span is None else -int(-to_seconds(span) // 1)


def _rule(rule: Rule, level: str) -> ConstraintView:
    config = rule.config
    when = "always" if config.condition == "true" else f"when {config.condition}"
    hours = ", in its time window" if config.time_window is not None else ""
    soft = " (only a warning)" if rule.soft else ""
    rank = f", priority {config.priority}" if config.priority else ""
    text = f"{config.action} {when}{hours}{soft}; level {level}{rank}"
    return ConstraintView("rule", f"{rule.policy_id}/{rule.name}", text)


def _window(pool: Pool) -> str:
    window = pool.window
    every = "window of unknown length" if window.every is None else span_text(window.every)
    return {
        "fixed": every,
        "sliding": f"trailing {every}",
        "bucket": f"{every}, refilling all the time",
        "calendar": f"{window.unit} ({window.timezone})",
        "concurrency": "moment, in parallel",
        "unbounded": "ever",
    }[window.kind]


def _fit_reason(available: int, units: int, start: Micros | None, by: Micros, now: Micros) -> str:
    if start is None:
        return f"{units} never fit as things stand: {available} are left; ask for less"
    if start <= now:
        return f"{units} fit now: {available} are left"
    when = f"{units} fit in {span_text(start - now)}"
    return when if start <= by else f"{when}, which is too late by {span_text(start - by)}"
