"""How rules come together: levels, priorities, hard and soft, waits and warnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ratelord_core.graph.protocol import Binding, Draw
from ratelord_core.model.decision import DecidedBy, TraceStep
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import SECOND
from ratelord_core.policy.action import Deny, Wait, Warn
from ratelord_core.policy.situation import PoolNow
from ratelord_core.policy.trace import told
from ratelord_core.policy.verdict import PASS, PolicyVerdict
from ratelord_core.testing.situation import FixedSituation

NOW = 1_767_225_600_000_000
CORE, SEARCH = "github-main/core", "github-main/search"
BINDING = Binding((Draw(CORE, 1), Draw(SEARCH, 2)), ("repo:acme/api", "org:acme", "global"))
SITUATION = FixedSituation(
    now=NOW,
    tightest=CORE,
    draws={CORE: 1, SEARCH: 2},
    pools={
        CORE: PoolNow(CORE, "requests", 1000, 910, 0, 90, NOW + 60 * SECOND),
        SEARCH: PoolNow(SEARCH, "requests", 30, 0, 0, 30, NOW + 10 * SECOND),
    },
    forecasts={CORE: Forecast(p_exhaustion=1 / 3)},
)
Judge = Callable[..., PolicyVerdict]


class Broken(msgspec.Struct, frozen=True):
    """Parameters of the actions below."""


class Plugin:
    """An action that does what the test says."""

    params: type[msgspec.Struct] = Broken

    def __init__(self, name: str, does: Callable[[], Any]) -> None:
        self.name = name
        self._does = does

    def apply(self, params: Any, situation: Any) -> Any:
        return self._does()


@pytest.fixture
def judge(load_policy: Callable[..., Any]) -> Judge:
    def judge_it(
        text: str,
        situation: Any = SITUATION,
        binding: Binding = BINDING,
        more: dict[str, Any] | None = None,
    ) -> PolicyVerdict:
        stack = load_policy(text, more)
        verdict: PolicyVerdict = stack.evaluate(stack.levels(binding, situation.intent), situation)
        return verdict

    return judge_it


@pytest.fixture
def trace(load_policy: Callable[..., Any]) -> Callable[[str], tuple[TraceStep, ...]]:
    def trace_it(text: str) -> tuple[TraceStep, ...]:
        stack = load_policy(text)
        verdict = stack.evaluate(stack.levels(BINDING, SITUATION.intent), SITUATION)
        return told(stack.document, verdict.looked, verdict.held, verdict.saw)

    return trace_it


def policies(*lines: str) -> str:
    return "policies:\n" + "\n".join(f"  - {line}" for line in lines)


DENY = "{name: no, action: deny, params: {reason: because}}"


def test_an_empty_policy_passes_and_computes_nothing(judge: Judge) -> None:
    situation = msgspec.structs.replace(SITUATION, looked_at=[])
    assert judge("", situation) is PASS
    assert judge(policies(f"{{id: p, scope: 'org:other', rules: [{DENY}]}}"), situation) is PASS
    assert situation.looked_at == []


def test_a_denial_below_a_limit_names_policy_rule_and_reason(judge: Judge) -> None:
    verdict = judge(
        policies(
            "{id: floor, rules: [{name: last-hundred, condition: 'remaining < 100', action: deny,"
            " params: {reason: keep the last hundred, retry_after_seconds: 60}}]}"
        )
    )
    assert verdict.denied
    assert verdict.decided_by == DecidedBy("floor", "last-hundred")
    assert verdict.reason == (
        "denied by rule 'last-hundred' of policy 'floor': keep the last hundred"
    )
    assert verdict.retry_after == 60 * SECOND


def test_a_rule_that_does_not_hold_changes_nothing(judge: Judge) -> None:
    verdict = judge(
        policies("{id: p, rules: [{name: r, condition: 'remaining < 90', action: deny}]}")
    )
    assert verdict == PolicyVerdict(looked="0", saw={"remaining": 90})


def test_levels_are_looked_at_from_the_top_down(trace: Callable[..., Any]) -> None:
    def warn(scope: str) -> str:
        return f"{{id: '{scope.replace('*', '+')}', scope: '{scope}', rules: [{{name: w, action: warn}}]}}"

    scopes = [
        "agent:crawler-01",
        "identity:pat:rmax",
        f"pool:{SEARCH}",
        "pool:github-main/*",
        "repo:acme/api",
        "repo:*",
        "org:acme",
        "global",
        "org:other",
        "pool:github-main/graphql",
        "agent:other",
    ]
    steps = trace(policies(*(warn(scope) for scope in scopes)))
    assert [(step.level, step.policy_id) for step in steps] == [
        ("global", "global"),
        ("org:acme", "org:acme"),
        ("repo:acme/api", "repo:acme/api"),
        ("repo:*", "repo:+"),
        ("pool", f"pool:{SEARCH}"),
        ("pool", "pool:github-main/+"),
        ("pool", "pool:github-main/+"),
        ("identity/agent", "agent:crawler-01"),
        ("identity/agent", "identity:pat:rmax"),
    ]


def test_an_id_with_a_type_is_found_by_its_whole_name(judge: Judge) -> None:
    intent = msgspec.structs.replace(SITUATION.intent, agent_id="agent:crawler-01")
    situation = msgspec.structs.replace(SITUATION, intent=intent)
    for scope in ("agent:crawler-01", "agent:agent:crawler-01", "agent:*"):
        text = policies(f"{{id: p, scope: '{scope}', rules: [{DENY}]}}")
        assert judge(text, situation).denied


def test_within_a_level_priority_goes_first_then_the_order_of_the_file(judge: Judge) -> None:
    verdict = judge(
        policies(
            "{id: a, rules: [{name: one, action: warn}, {name: two, action: warn, priority: 5}]}",
            "{id: b, rules: [{name: three, action: warn, priority: -1},"
            " {name: four, action: warn, priority: 5}]}",
        )
    )
    assert verdict.looked == "1!,3!,0!,2!"


def test_a_denial_ends_the_stack(judge: Judge) -> None:
    verdict = judge(
        policies(
            f"{{id: p, rules: [{DENY}, {{name: later, action: warn}}]}}",
            "{id: q, scope: 'org:acme', rules: [{name: w, action: delay,"
            " params: {wait_seconds: 5}}]}",
        )
    )
    assert verdict.looked == "0!"
    assert (verdict.denied, verdict.wait) == (True, 0)


def test_an_approval_ends_its_level_only(judge: Judge) -> None:
    verdict = judge(
        policies(
            f"{{id: p, rules: [{{name: yes, action: approve, priority: 1}}, {DENY}]}}",
            "{id: q, scope: 'org:acme', rules: [{name: low, action: deny}]}",
        )
    )
    assert verdict.looked == "0!,2!"
    assert verdict.decided_by == DecidedBy("q", "low")


def test_an_approval_below_cannot_undo_a_denial_above(judge: Judge) -> None:
    verdict = judge(
        policies(
            "{id: q, scope: 'agent:crawler-01', rules: [{name: yes, action: approve,"
            " priority: 99}]}",
            f"{{id: p, rules: [{DENY}]}}",
        )
    )
    assert verdict.denied


def test_the_longest_wait_holds_and_decides(judge: Judge) -> None:
    rules = ", ".join(
        f"{{name: w{n}, action: {action}, params: {{wait_seconds: {n}}}}}"
        for n, action in ((2, "delay"), (5, "shape"), (3, "delay"))
    )
    verdict = judge(policies(f"{{id: p, rules: [{rules}]}}"))
    assert (verdict.wait, verdict.denied, verdict.reset_jitter) == (5 * SECOND, False, None)
    assert verdict.decided_by == DecidedBy("p", "w5")
    assert verdict.reason == "delayed 5 s by rule 'w5' of policy 'p'"


@pytest.mark.parametrize(("wait", "decider"), [(61, "defer"), (63, "delay")])
def test_waiting_for_the_reset_is_measured_against_other_waits(
    judge: Judge, wait: int, decider: str
) -> None:
    verdict = judge(
        policies(
            f"{{id: p, rules: [{{name: delay, action: delay, params: {{wait_seconds: {wait}}}}},"
            " {name: defer, action: defer, params: {jitter_max_seconds: 2}}]}"
        )
    )
    assert (verdict.wait, verdict.reset_jitter) == (wait * SECOND, 2 * SECOND)
    assert verdict.decided_by == DecidedBy("p", decider)


def test_deferring_without_a_known_reset_still_waits_for_it(judge: Judge) -> None:
    unknown = {CORE: PoolNow(CORE, "requests", 10, 0, 0, 10, None)}
    situation = msgspec.structs.replace(SITUATION, pools=unknown)
    verdict = judge(policies("{id: p, rules: [{name: d, action: defer}]}"), situation)
    assert (verdict.reset_jitter, verdict.wait) == (0, 0)
    assert verdict.decided_by == DecidedBy("p", "d")
    nothing = FixedSituation()
    verdict = judge(policies("{id: p, rules: [{name: d, action: defer}]}"), nothing)
    assert verdict.reset_jitter == 0


def test_a_policy_of_a_pool_means_that_pool(judge: Judge) -> None:
    verdict = judge(
        policies(
            f"{{id: s, scope: 'pool:{SEARCH}', rules: ["
            "{name: reads, condition: 'remaining == 30 && intent.units == 2', action: warn},"
            " {name: waits, action: defer, params: {jitter_max_seconds: 3}}]}"
        )
    )
    assert verdict.warnings == ("warned by rule 'reads' of policy 's'",)
    assert (verdict.wait, verdict.reset_jitter) == (13 * SECOND, None)


def test_warnings_add_up_each_once(judge: Judge) -> None:
    verdict = judge(
        policies(
            "{id: p, rules: [{name: a, action: warn, params: {message: careful}},"
            " {name: b, action: warn, params: {message: slow}}]}",
        )
    )
    assert verdict.warnings == (
        "warned by rule 'a' of policy 'p': careful",
        "warned by rule 'b' of policy 'p': slow",
    )
    assert verdict.decided_by is None


def test_a_soft_policy_never_blocks_or_delays(judge: Judge) -> None:
    verdict = judge(
        policies(
            f"{{id: p, type: soft, rules: [{DENY}, {{name: wait, action: delay,"
            " params: {wait_seconds: 5}}, {name: later, action: defer}]}",
            "{id: q, scope: 'org:acme', rules: [{name: w, action: warn}]}",
        )
    )
    assert (verdict.denied, verdict.wait, verdict.reset_jitter) == (False, 0, None)
    assert verdict.decided_by is None
    assert verdict.warnings == (
        "would be denied by rule 'no' of soft policy 'p': because",
        "would be delayed 5 s by rule 'wait' of soft policy 'p'",
        "would be deferred to the reset by rule 'later' of soft policy 'p'",
        "warned by rule 'w' of policy 'q'",
    )


ERRS = "{name: errs, condition: \"agent.labels.nobody == 'x'\", action: warn}"


def test_a_condition_without_a_value_denies_and_says_which(judge: Judge) -> None:
    verdict = judge(policies(f"{{id: p, rules: [{ERRS}]}}"))
    assert verdict.denied
    assert "rule 'errs' of policy 'p': its condition has no value" in verdict.reason
    soft = judge(policies(f"{{id: p, type: soft, rules: [{ERRS}]}}"))
    assert not soft.denied
    assert "would be denied by rule 'errs'" in soft.warnings[0]


def test_a_value_that_cannot_be_read_denies(judge: Judge) -> None:
    situation = msgspec.structs.replace(SITUATION, pools={})
    verdict = judge(
        policies("{id: p, rules: [{name: r, condition: 'remaining < 1', action: warn}]}"),
        situation,
    )
    assert verdict.denied
    assert "its condition could not be read: 'github-main/core'" in verdict.reason


def boom() -> Any:
    raise RuntimeError("out of\nluck")


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (boom, "action 'plug' failed: out of luck"),
        (lambda: None, "action 'plug' gave NoneType, which is no effect"),
        (lambda: True, "action 'plug' gave bool, which is no effect"),
        (lambda: Wait(-1), "action 'plug' gave Wait with span -1, which is no span of µs"),
        (
            lambda: Wait(0.5),  # type: ignore[arg-type]  # the mistake under test
            "action 'plug' gave Wait with span 0.5, which is no span of µs",
        ),
        (lambda: Deny("x", -1), "action 'plug' gave Deny with retry_after -1"),
    ],
)
def test_an_action_that_breaks_its_contract_denies_with_its_name(
    judge: Judge, does: Callable[[], Any], said: str
) -> None:
    text = policies("{id: p, rules: [{name: r, action: plug}]}")
    verdict = judge(text, more={"plug": Plugin("plug", does)})
    assert verdict.denied
    assert f"denied by rule 'r' of policy 'p': {said}" in verdict.reason


def test_an_action_of_a_plugin_works_like_ours(judge: Judge) -> None:
    text = policies("{id: p, rules: [{name: r, action: plug}]}")
    verdict = judge(text, more={"plug": Plugin("plug", lambda: Warn("hello"))})
    assert verdict.warnings == ("warned by rule 'r' of policy 'p': hello",)


TRACED = policies(
    "{id: p, rules: ["
    "{name: risky, condition: 'risk.p_exhaustion > 0.2 && tte.p50 > 1', action: warn},"
    "{name: dry, condition: 'remaining < 5', action: deny}]}"
)


def test_a_trace_shows_what_each_rule_saw(trace: Callable[..., Any]) -> None:
    risky, dry = trace(TRACED)
    assert (risky.policy_id, risky.rule, risky.rule_index, risky.level) == (
        "p",
        "risky",
        0,
        "global",
    )
    assert risky.inputs == {"risk.p_exhaustion": 0.333333, "tte.p50": None}
    assert (risky.result, risky.action) == (True, "warn")
    assert (dry.inputs, dry.result, dry.reason) == ({"remaining": 90}, False, "")
    assert type(dry.inputs["remaining"]) is int
    assert dry.condition == "remaining < 5"


def test_what_bound_is_told_from_what_was_looked_at(judge: Judge) -> None:
    verdict = judge(TRACED)
    assert verdict.looked == "0!,1"
    assert verdict.bound == (("p", "risky", "warn", "warned by rule 'risky' of policy 'p'"),)


def test_a_rule_outside_its_hours_does_not_apply(judge: Judge, trace: Callable[..., Any]) -> None:
    def at(hours: str) -> bool:
        text = policies(f"{{id: p, rules: [{{name: r, action: deny, time_window: {hours}}}]}}")
        verdict = judge(text)
        reason = trace(text)[0].reason
        assert (reason == "outside its time window") is not verdict.denied
        return verdict.denied

    assert at("{start_time: '00:00', end_time: '00:01'}")
    assert not at("{start_time: '00:01', end_time: '23:59'}")
    assert not at("{days: [Wed]}")
    assert at("{days: [Wed], location: America/New_York}")
