"""Policy documents through the whole engine: levels, waits, soft rules, resets, who decided."""

from ratelord_core.events.payloads import PolicyTriggered, PolicyUpdated
from ratelord_core.model.instant import HOUR, MINUTE, SECOND
from ratelord_core.policy.document import canonical, from_canonical
from ratelord_core.testing.table import Table

JOBS = "pools: [{id: local/jobs, limit: 100, window: {kind: fixed, every: 1h}}]\n"


def rule(policy: str, name: str, action: str, condition: str = "true", **more: object) -> str:
    params = more.pop("params", "{}")
    kind, scope = more.pop("type", "hard"), more.pop("scope", "global")
    priority = more.pop("priority", 0)
    return (
        f"  - id: {policy}\n    scope: {scope}\n    type: {kind}\n    rules:\n"
        f'      - {{name: {name}, condition: "{condition}", action: {action}, '
        f"priority: {priority}, params: {params}}}\n"
    )


def table_with(*policies: str, more: str = JOBS) -> Table:
    return Table(more + "policies:\n" + "".join(policies))


def test_nothing_is_decided_by_a_rule_that_only_warned_or_approved() -> None:
    table = table_with(
        rule("soft", "mind", "warn", params="{message: mind the gap}"), rule("ok", "yes", "approve")
    )
    decision = table.ask()
    assert (decision.decision, decision.decided_by) == ("approve", None)
    assert any("mind the gap" in warning for warning in decision.warnings)


def test_an_approval_cannot_undo_a_denial_above_it_but_ends_its_own_level() -> None:
    above = table_with(rule("top", "no", "deny"), rule("mine", "yes", "approve", scope="agent:a"))
    assert above.ask().decided_by is not None
    same = table_with(rule("one", "yes", "approve", priority=5), rule("two", "no", "deny"))
    assert same.ask().decision == "approve"


def test_a_soft_policys_denial_is_a_warning() -> None:
    decision = table_with(rule("gentle", "no", "deny", type="soft")).ask()
    assert decision.decision == "approve"
    assert any("gentle" in warning for warning in decision.warnings)


def test_the_longest_wait_holds_and_its_rule_decided() -> None:
    table = table_with(
        rule("a", "long", "delay", params="{wait_seconds: 9}"),
        rule("b", "short", "shape", params="{wait_seconds: 3}", scope="agent:a"),
    )
    decision = table.ask()
    assert decision.modifications.wait == 9 * SECOND
    assert decision.decided_by is not None
    assert decision.decided_by.rule == "long"


def test_a_zero_wait_is_no_modification() -> None:
    decision = table_with(rule("a", "none", "delay", params="{wait_seconds: 0}")).ask()
    assert (decision.decision, decision.decided_by) == ("approve", None)


def test_no_rule_decided_when_capacity_made_it_wait_longer() -> None:
    table = table_with(rule("a", "slow", "delay", params="{wait_seconds: 1}"))
    table.report(table.ask(expected_cost=100).intent_id)
    decision = table.ask(max_wait=HOUR)
    assert decision.reason_code == "pool_exhausted"
    assert decision.decided_by is None


def test_deferred_intents_start_spaced_after_the_reset_and_the_rule_decided() -> None:
    table = table_with(rule("red", "line", "defer"))
    answers = [table.ask(agent_id=f"a{n}", max_wait=2 * HOUR) for n in range(4)]
    starts = [answer.start_at for answer in answers]
    assert all(start is not None and start >= table.now + HOUR + SECOND for start in starts)
    assert len(set(starts)) == 4
    assert {answer.reason_code for answer in answers} == {"policy"}
    assert all(answer.decided_by and answer.decided_by.rule == "line" for answer in answers)
    assert table.figures("local/jobs").scheduled == 4


def test_deferring_to_a_reset_that_nobody_knows_denies() -> None:
    table = table_with(rule("red", "line", "defer"), more="providers: {mock: [{id: m}]}\n")
    table.observe("m/p", limit=100, used=5)
    denied = table.ask(pool_id="m/p")
    assert (denied.reason_code, denied.retry_after) == ("wait_too_long", None)
    assert denied.reason.endswith("when m/p resets is not known")
    assert denied.decided_by is not None


def test_deferring_where_nothing_resets_waits_for_capacity_only() -> None:
    table = table_with(
        rule("red", "line", "defer"),
        more="pools: [{id: local/slots, limit: 1, window: {kind: concurrency}}]\n",
    )
    assert table.ask(duration=5 * SECOND).decision == "approve"
    assert table.ask().modifications.wait == 5 * SECOND


def test_a_hard_limit_denies_below_it_and_names_its_rule() -> None:
    table = table_with(
        rule("house", "hundred", "deny", "remaining < 100", scope="pool:m/p"),
        more="providers: {mock: [{id: m}]}\n",
    )
    table.observe("m/p", limit=5000, used=4910, reset_at=table.now + HOUR)
    denied = table.ask(pool_id="m/p")
    assert denied.decision == "deny_with_reason"
    assert "house" in denied.reason
    assert "hundred" in denied.reason
    assert table.figures("m/p").held == 0


def test_shedding_by_the_system_status_lets_high_pass() -> None:
    table = table_with(
        rule("shed", "bg", "deny", "system.status == 'critical' && intent.urgency == 'background'")
    )
    assert table.ask(urgency="background").allowed
    for _ in range(9):
        table.report(table.ask(expected_cost=10).intent_id)
        table.pass_time(1)
    assert table.engine.state.system_status == "critical"
    shed = table.ask(urgency="background")
    assert shed.decided_by is not None
    assert table.ask(urgency="high").decision == "approve"


def test_a_policys_limit_is_a_pool_like_any_other() -> None:
    table = Table(
        "policies: [{id: cap, scope: 'agent:a', limit: {amount: 2, unit: requests, window: {kind: fixed, every: 60s}}}]"
    )
    assert [table.ask(max_wait=0).allowed for _ in range(3)] == [True, True, False]
    assert table.ask(agent_id="b", max_wait=0).allowed


def test_a_new_policy_is_seen_by_the_very_next_intent_and_refills_nothing() -> None:
    table = Table(JOBS)
    table.report(table.ask(expected_cost=60).intent_id)
    table.configure(JOBS + "policies:\n" + rule("no", "never", "deny"))
    assert table.ask().decided_by is not None
    assert len(table.events(PolicyUpdated)) == 2
    table.configure(JOBS.replace("limit: 100", "limit: 80"))
    assert table.figures("local/jobs").available == 20


def test_a_policy_is_logged_as_its_canonical_text() -> None:
    text = JOBS + "policies:\n" + rule("no", "never", "deny")
    table = Table(text)
    (event,) = table.events(PolicyUpdated)
    document = table.engine.policy.document
    assert event.document == canonical(document)
    assert from_canonical(event.document).version == event.version == document.version
    table.configure(text + "# a comment\n")
    assert len(table.events(PolicyUpdated)) == 1


def test_a_rule_that_goes_on_binding_is_one_event_and_after_a_quiet_minute_another() -> None:
    table = table_with(rule("no", "never", "deny", "intent.urgency == 'background'"))
    for _ in range(3):
        table.ask(urgency="background")
        table.ask()
        table.pass_time(20)
    assert len(table.events(PolicyTriggered)) == 1
    table.pass_time(MINUTE // SECOND)
    table.ask(urgency="background")
    assert len(table.events(PolicyTriggered)) == 2


def test_two_agents_of_one_identity_share_and_two_identities_do_not() -> None:
    pools = "providers: {mock: [{id: m, identity: one}, {id: n, identity: two}]}\n"
    table = Table(pools)
    for pool in ("m/p", "n/p"):
        table.observe(pool, limit=100, used=0, reset_at=table.now + HOUR)
    one = table.engine.state.topology.providers
    assert one == {"m": "one", "n": "two"}
    table.ask(agent_id="a", identity_id="one", provider_id="m", pool_id="p", expected_cost=40)
    table.ask(agent_id="b", identity_id="one", provider_id="m", pool_id="p", expected_cost=40)
    assert table.figures("m/p").available == 20
    before = table.engine.reader.pool("n/p", table.now)
    table.ask(agent_id="b", identity_id="one", provider_id="m", pool_id="p", expected_cost=10)
    assert table.engine.reader.pool("n/p", table.now) == before
    assert before.available == 100


def test_an_agents_pattern_gives_its_weight_and_role() -> None:
    table = table_with(
        rule("ci", "only", "deny", "agent.role == 'ci' && agent.weight == 3.0"),
        more=JOBS + "agents: {ci-*: {role: ci, weight: 3}, ci-special: {role: free}}\n",
    )
    assert not table.ask(agent_id="ci-7").allowed
    assert table.ask(agent_id="ci-special").allowed
    assert table.ask(agent_id="other").allowed
