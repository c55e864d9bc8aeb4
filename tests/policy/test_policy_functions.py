"""Functions of plugins in conditions, and what conditions may not cost."""

from __future__ import annotations

import types
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ratelord_actions.clockwork import FUNCTIONS
from ratelord_core import hookimpl, plugins
from ratelord_core.model.instant import from_datetime
from ratelord_core.policy.cel import new_environment
from ratelord_core.policy.condition import ConditionError, Conditions, EvaluationError
from ratelord_core.policy.function import ConditionFunction
from ratelord_core.policy.inputs import Inputs
from ratelord_core.testing.situation import FixedSituation
from ratelord_core.testing.table import Table

DOUBLE = ConditionFunction("double_of", ("number",), "number", lambda n: 2 * n, "twice as much")
SHOUT = ConditionFunction("shout", ("text",), "text", str.upper, "in capitals")
FAILS = ConditionFunction("fails", ("text",), "flag", lambda _: 1 / 0 > 1, "never anything")
LIES = ConditionFunction("lies", ("text",), "flag", lambda _: "yes", "not what it says")


def holds(text: str, situation: Any = None, *functions: ConditionFunction) -> bool:
    compiled = Conditions((*FUNCTIONS, DOUBLE, SHOUT, FAILS, LIES)).compile(text)
    return compiled.holds(Inputs(situation or FixedSituation()))


@pytest.mark.parametrize(
    "text",
    [
        "double_of(3) == 6 && double_of(1.5) == 3 && double_of(time.month) > 1",
        "shout(intent.agent_id) == 'CRAWLER-01'",
        "shout(shout('a') + 'b') == 'AB'",
    ],
)
def test_a_function_is_called_with_what_the_condition_says(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("fails(agent.id)", "fails: division"), ("lies(agent.id)", "lies gave 'yes'")],
)
def test_a_function_that_fails_leaves_no_value_and_is_named(text: str, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        holds(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("double_of('x') > 1", "cannot be applied to text"),
        ("double_of(agent.id, 3) > 1", "double_of takes other arguments"),
        ("double_of(3)", "gives number, not true or false"),
        ("dobule_of(3) > 1", "unknown name 'dobule_of'"),
    ],
)
def test_a_call_of_another_signature_is_refused_when_it_is_loaded(text: str, said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        Conditions([DOUBLE]).compile(text)


def test_a_misspelt_function_gets_the_name_that_was_meant() -> None:
    with pytest.raises(ConditionError) as caught:
        Conditions([DOUBLE]).compile("dobule_of(3) > 1")
    assert caught.value.problems[0].hint == "did you mean 'double_of'?"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "size"},
        {"name": "Über"},
        {"takes": ()},
        {"takes": ("labels",)},
        {"gives": "object"},
    ],
)
def test_a_function_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    fields = {"name": "f", "takes": ("text",), "gives": "flag", "call": bool, "doc": ""} | wrong
    with pytest.raises(ValueError, match=r"."):
        ConditionFunction(**fields)


def test_a_plugin_gives_functions_to_the_rules_of_a_policy() -> None:
    module = types.SimpleNamespace(
        ratelord_register_condition_functions=hookimpl(
            lambda: [ConditionFunction("is_even", ("number",), "flag", lambda n: n % 2 == 0, "…")],
            specname="ratelord_register_condition_functions",
        )
    )
    loaded = plugins.load(extra=[("numbers", module)])
    offered = loaded.named("ratelord_register_condition_functions")
    assert {"is_even", "between", "hour_at"} <= offered.keys()
    assert Conditions(offered.values()).compile("is_even(4)").constant is True


# --- the clock -----------------------------------------------------------------------------------


def at(text: str, zone: str = "Europe/Madrid", fold: int = 0) -> FixedSituation:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return FixedSituation(now=from_datetime(moment), timezone=zone)


@pytest.mark.parametrize(
    ("text", "moment", "wanted"),
    [
        ("business_hours_at(time.now, 'Europe/Madrid')", "2026-07-31T09:00", True),
        ("business_hours_at(time.now, 'America/New_York')", "2026-07-31T09:00", False),
        ("business_hours_at(time.now, 'Europe/Madrid')", "2026-08-01T09:00", False),
        ("time.is_business_hours && time.hour == 9 && time.weekday == 4", "2026-07-31T09:59", True),
        ("hour_at(time.now, 'Asia/Kolkata') == 12", "2026-07-31T09:00", True),
        ("weekday_at(time.now, 'Asia/Tokyo') == 5", "2026-07-31T20:00", True),
        ("between(time.now, '23:30', '01:00', 'Europe/Madrid')", "2026-07-31T23:30", True),
        ("between(time.now, '23:30', '01:00', 'Europe/Madrid')", "2026-08-01T00:59", True),
        ("between(time.now, '23:30', '01:00', 'Europe/Madrid')", "2026-08-01T01:00", False),
    ],
)
def test_the_clock_is_that_of_the_zone(text: str, moment: str, wanted: bool) -> None:
    assert holds(text, at(moment)) is wanted


def test_an_hour_that_a_clock_change_skips_never_comes_and_a_repeated_one_comes_twice() -> None:
    spring = "between(time.now, '02:00', '03:00', 'Europe/Madrid')"
    before, after = at("2026-03-29T01:59:59"), at("2026-03-29T03:00:00")
    assert after.now - before.now == 1_000_000
    assert not holds(spring, before)
    assert not holds(spring, after)
    autumn = [at("2026-10-25T02:30:00", fold=fold) for fold in (0, 1)]
    assert autumn[0].now != autumn[1].now
    assert all(holds(f"{spring} && time.hour == 2", one) for one in autumn)


def test_a_zone_that_does_not_exist_denies_by_the_functions_name() -> None:
    with pytest.raises(EvaluationError, match="hour_at: 'Europe/Madird' is not a time zone"):
        holds("hour_at(time.now, 'Europe/Madird') == 1")


# --- what conditions may not cost ----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2].all(a, [3].exists(b, a < b))",
        "[1, 2].map(a, [3] . map(b, a + b).size()).size() > 0",
    ],
)
def test_a_loop_inside_a_loop_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        Conditions().compile(text)
    (problem,) = caught.value.problems
    assert problem.message.startswith("a loop inside a loop")
    assert text[problem.offset] == "("
    assert problem.offset > text.index("[3]")


def test_loops_side_by_side_and_names_that_look_like_loops_are_fine() -> None:
    assert holds("[1].all(a, (a > 0)) && ['all(x'].exists(b, b.contains('(')) // .map(.map(")


def test_the_evaluation_itself_ends_after_ten_thousand_steps() -> None:
    many = "[" + "1," * 120 + "1]"
    program = new_environment({}).compile(f"{many}.all(a, {many}.all(b, a + b > 0))")
    with pytest.raises(RuntimeError, match="budget exceeded"):
        program.eval(None, {})


# --- in the engine -------------------------------------------------------------------------------

RUN = """
pools: [{id: work/units, limit: 1000, window: {kind: fixed, every: 1h}}]
workloads: {work: {consumes: {work/units: 10}}}
policies:
  - id: one-run
    rules:
      - {name: full, condition: "run.units + intent.units > 30", action: deny}
      - {name: finish, condition: "run.units + intent.units > 20 && intent.urgency != 'high'", action: deny}
"""


def test_a_run_has_a_cap_and_keeps_something_back_to_finish_with() -> None:
    table = Table(RUN)
    first = table.ask(run="r1")
    assert [first.allowed, table.ask(run="r1").allowed] == [True, True]
    assert not table.ask(run="r1").allowed
    assert table.ask(run="r1", urgency="high").allowed
    assert not table.ask(run="r1", urgency="high").allowed
    assert table.ask(run="r2").allowed
    assert table.ask().allowed
    table.report(first.intent_id, actual_cost=0)
    assert table.ask(run="r1", urgency="high").allowed
    assert table.replayed().picture(table.now) == table.engine.state.picture(table.now)


SHARE = """
pools: [{id: work/units, limit: 100, window: {kind: sliding, every: 1h}}]
workloads: {work: {consumes: {work/units: 10}}}
policies:
  - {id: fair, rules: [{name: hog, condition: "agent.burn_rate_share > 0.5 && remaining < 80", action: deny}]}
"""


def test_whoever_burns_most_of_a_pool_can_be_held_back() -> None:
    table = Table(SHARE)
    first = table.ask(agent_id="hog")
    assert all(table.ask(agent_id="hog").allowed for _ in range(2))
    assert not table.ask(agent_id="hog").allowed
    assert table.ask(agent_id="modest").allowed
    table.report(first.intent_id, actual_cost=1)
    assert not table.ask(agent_id="hog").allowed
    assert all(table.ask(agent_id="modest").allowed for _ in range(2))
    assert table.ask(agent_id="hog").allowed
    table.pass_time(4000)
    assert table.ask(agent_id="hog").allowed


MONEY = """
pools: [{id: budget/day, unit: microusd, limit: 1000000, window: {kind: calendar, every: day}}]
providers: {mock: [{id: llm}]}
workloads: {work: {consumes: {llm/tokens: 1000}}}
pricing: {llm: {tokens: 300}}
policies:
  - id: money
    rules:
      - {name: own, condition: "cost.accumulated + cost.estimated > 600", action: deny}
      - {name: all, condition: "cost.window >= 900", action: deny}
"""


def test_what_an_agent_and_all_have_cost_can_be_read() -> None:
    table = Table(MONEY)
    table.observe("llm/tokens", limit=1_000_000, used=0)
    asked = [table.ask(agent_id=name) for name in ("a", "a", "a", "b", "b")]
    assert [one.allowed for one in asked] == [True, True, False, True, False]
    by = [one.decided_by.rule if one.decided_by else "" for one in asked]
    assert by == ["", "", "own", "", "all"]
