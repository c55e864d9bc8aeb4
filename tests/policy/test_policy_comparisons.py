"""Comparisons joined by && and || answer as CEL does."""

from __future__ import annotations

import gc
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ratelord_core.policy import cel
from ratelord_core.policy.comparisons import Comparisons, comparisons
from ratelord_core.policy.condition import CelCondition, Conditions, EvaluationError

_CONDITIONS = Conditions()
_CEL = cel.new_environment()
_SIGNS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
_EQUALITY = st.sampled_from(["==", "!="])
_WHOLE = st.integers(-(10**15) + 1, 10**15 - 1)
_FRACTIONS = st.decimals(-(10**6), 10**6, places=4)
_WORDS = st.text("abcXYZ019 _:/@*.+-", max_size=6)

_NUMBERS = ("remaining", "cost", "risk.p_exhaustion")
_TEXTS = ("intent.urgency", "pool.id")
_SMALL = st.integers(-1, 2)
_PARTS = st.one_of(
    st.builds("{} {} {}".format, st.sampled_from(_NUMBERS), _SIGNS, _SMALL),
    st.builds("{} {} '{}'".format, st.sampled_from(_TEXTS), _EQUALITY, st.sampled_from("ab")),
)
_JOINED = st.lists(
    st.lists(_PARTS, min_size=1, max_size=3).map(" && ".join), min_size=1, max_size=3
)
_NUMBER = st.sampled_from([-1.0, 0.0, 1.0, 2.0, math.inf, math.nan])
_OTHER_KIND = st.sampled_from([0, 1, "a", True, None, {}])
"""Values that a variable ought not to have: an integer where CEL was told a double, or worse."""
_VALUES = st.fixed_dictionaries(
    {name: st.one_of(_NUMBER, _NUMBER, _OTHER_KIND) for name in _NUMBERS}
    | {
        name: st.one_of(st.sampled_from("abc"), st.sampled_from("abc"), _OTHER_KIND)
        for name in _TEXTS
    }
)


def _by_cel(text: str) -> CelCondition:
    """The same condition, without the short cut."""
    condition = _CONDITIONS.compile(text)
    return CelCondition(text, condition.names, _CEL.compile(text))


def _both(text: str, values: dict[str, Any]) -> tuple[bool, bool]:
    plain = _CONDITIONS.compile(text)
    assert isinstance(plain, Comparisons)
    return plain.holds(values), _by_cel(text).holds(values)


def _answer(condition: Any, values: dict[str, Any]) -> bool | str:
    try:
        return bool(condition.holds(values))
    except EvaluationError:
        return "no value"


@settings(max_examples=150)
@given(st.floats(), _SIGNS, st.one_of(_WHOLE, _FRACTIONS))
@example(math.nan, "!=", 0)
@example(-0.0, "==", 0)
@example(999_999_999_999_999.0, "<=", 999_999_999_999_999)
def test_numbers_compare_as_in_cel(value: float, sign: str, literal: object) -> None:
    ours, theirs = _both(f"remaining {sign} {literal}", {"remaining": value})
    assert ours is theirs


@settings(max_examples=60)
@given(_WORDS, _EQUALITY, _WORDS, st.sampled_from(["'", '"']))
@example("background", "==", "background", "'")
def test_texts_compare_as_in_cel(value: str, sign: str, literal: str, quote: str) -> None:
    text = f"intent.urgency {sign} {quote}{literal}{quote}"
    ours, theirs = _both(text, {"intent.urgency": value})
    assert ours is theirs


@settings(max_examples=200)
@given(_JOINED, _VALUES)
@example(["remaining < 1 && cost < 1"], {"remaining": "a", "cost": 2.0})
@example(["cost < 1 && remaining < 1"], {"remaining": "a", "cost": 2.0})
@example(["remaining < 1", "cost < 1"], {"remaining": None, "cost": 0.0})
def test_whatever_is_joined_answers_as_in_cel(
    alternatives: list[str], values: dict[str, Any]
) -> None:
    """In CEL && and || swallow the error of one side if the other decides. We stop at a value that
    is not of its kind and leave the whole to CEL, so the answer, or that there is none, is its."""
    text = " || ".join(alternatives)
    assert isinstance(_CONDITIONS.compile(text), Comparisons)
    assert _answer(_CONDITIONS.compile(text), values) == _answer(_by_cel(text), values)


@settings(max_examples=100)
@given(_PARTS, st.sampled_from(["&&", "||"]), _NUMBER, st.sampled_from([{}, {"team": "a"}]))
def test_labels_that_may_be_missing_are_left_to_cel(
    part: str, sign: str, number: float, labels: dict[str, str]
) -> None:
    """Also where a plain comparison stands before or behind them."""
    values = dict.fromkeys(_NUMBERS, number) | dict.fromkeys(_TEXTS, "a") | {"agent.labels": labels}
    for label in (
        "agent.labels.team == 'a'",
        "has(agent.labels.team)",
        "agent.labels['team'] != 'a'",
    ):
        for text in (f"{part} {sign} {label}", f"{label} {sign} {part}"):
            assert comparisons(text) is None
            assert _answer(_CONDITIONS.compile(text), values) == _answer(_by_cel(text), values)


_TEAM = "agent.labels.team == 'a'"
_LAST = st.sampled_from(
    [
        _TEAM,
        f"({_TEAM} || remaining < 1)",
        f"!({_TEAM} && cost < 1)",
        f"{_TEAM} || cost < 1",
        f"(cost < 1 ? {_TEAM} : false)",
        f"{_TEAM} ? cost < 1 : remaining < 1",
        "'a && b' in agent.labels",
        "['a', 'b'].exists(x, x == pool.id && cost < 1)",
    ]
)


@settings(max_examples=200)
@given(
    st.lists(_PARTS, min_size=1, max_size=3),
    _LAST,
    _VALUES,
    st.sampled_from([{}, {"team": "a"}, {"team": "b"}]),
)
@example(["remaining < 1"], _TEAM, {"remaining": "a"}, {})
def test_what_a_condition_begins_with_decides_as_in_cel(
    parts: list[str], last: str, values: dict[str, Any], labels: dict[str, str]
) -> None:
    text = " && ".join([*parts, last])
    given = dict.fromkeys(_NUMBERS, 0.0) | dict.fromkeys(_TEXTS, "a") | values
    given["agent.labels"] = labels
    assert _answer(_CONDITIONS.compile(text), given) == _answer(_by_cel(text), given)


class Once(dict[str, Any]):
    """Values that are told apart from those that were never read."""

    def __missing__(self, name: str) -> float:
        self[name] = 1.0
        return 1.0


def test_what_stands_behind_a_comparison_that_does_not_hold_is_not_read() -> None:
    values = Once()
    condition = _CONDITIONS.compile("cost < 5 && remaining > 5 && agent.labels.team == 'a'")
    assert not condition.holds(values)
    assert values == {"cost": 1.0, "remaining": 1.0}


def test_values_that_decide_nothing_are_not_read() -> None:
    values = Once()
    assert not _CONDITIONS.compile("remaining > 5 && cost > 0 || remaining > 7").holds(values)
    assert values == {"remaining": 1.0}


@pytest.mark.parametrize(
    "text",
    [
        "remaining < 007",
        "remaining < 1e3",
        "remaining < 9999999999999999",
        "(remaining < 5 || cost > 1) && cost < 7",
        "!(remaining < 5) && cost > 1",
        "remaining < 5 ? cost > 1 : cost > 2",
        "remaining < 5 // && cost > 1",
        "5 < remaining",
        r'intent.urgency == "a\tb"',
        'intent.urgency < "b"',
        "intent.urgency == 'a && b'",
        "intent.urgency == 'a || remaining < 5'",
        """intent.urgency == 'high\"""",
        "pool.stale == 1",
        "remaining < cost",
        "remaining < 5 && pool.stale",
        "remaining <\v5",
    ],
)
def test_whatever_is_more_than_plain_comparisons_is_left_to_cel(text: str) -> None:
    assert comparisons(text) is None


def test_a_missing_label_is_an_error_as_in_cel() -> None:
    condition = _CONDITIONS.compile("remaining < 5 && agent.labels.team == 'a'")
    with pytest.raises(EvaluationError):
        condition.holds({"remaining": 1.0, "agent.labels": {}})


def test_compiled_conditions_make_no_circle() -> None:
    """Whoever lets go of them frees them: a daemon looks for no garbage in what it once kept."""

    def alive() -> int:
        return sum(type(one) is Comparisons for one in gc.get_objects())

    gc.disable()
    try:
        before = alive()
        conditions = Conditions()
        kept = [conditions.compile(f"remaining < {number}") for number in range(9)]
        assert alive() == before + 9
        del conditions, kept
        assert alive() == before
    finally:
        gc.enable()
