"""Simple comparisons answer as CEL does."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ratelord_core.policy.comparison import comparison
from ratelord_core.policy.condition import CelCondition, Conditions, EvaluationError

_CONDITIONS = Conditions()
_SIGNS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
_WHOLE = st.integers(-(10**15) + 1, 10**15 - 1)
_FRACTIONS = st.decimals(-(10**6), 10**6, places=4)
_WORDS = st.text("abcXYZ019 _:/@*.+-", max_size=6)


def _both(text: str, values: dict[str, Any]) -> tuple[bool | None, bool]:
    simple = comparison(text)
    condition = _CONDITIONS.compile(text)
    assert simple is not None
    by_cel = CelCondition(text, condition.names, _CONDITIONS._environment.compile(text))
    return simple.holds(values), by_cel.holds(values)


@settings(max_examples=150)
@given(st.floats(), _SIGNS, st.one_of(_WHOLE, _FRACTIONS))
@example(math.nan, "!=", 0)
@example(-0.0, "==", 0)
@example(999_999_999_999_999.0, "<=", 999_999_999_999_999)
def test_numbers_compare_as_in_cel(value: float, sign: str, literal: object) -> None:
    ours, theirs = _both(f"remaining {sign} {literal}", {"remaining": value})
    assert ours is theirs


@settings(max_examples=60)
@given(_WORDS, st.sampled_from(["==", "!="]), _WORDS, st.sampled_from(["'", '"']))
@example("background", "==", "background", "'")
def test_texts_compare_as_in_cel(value: str, sign: str, literal: str, quote: str) -> None:
    text = f"intent.urgency {sign} {quote}{literal}{quote}"
    ours, theirs = _both(text, {"intent.urgency": value})
    assert ours is theirs


@pytest.mark.parametrize(
    "text",
    [
        "remaining < 007",
        "remaining < 1e3",
        "remaining < 9999999999999999",
        "remaining < 5 && cost > 1",
        "5 < remaining",
        r'intent.urgency == "a\tb"',
        'intent.urgency < "b"',
        """intent.urgency == 'high\"""",
        "pool.stale == 1",
        "remaining < cost",
    ],
)
def test_whatever_is_more_than_a_plain_comparison_is_left_to_cel(text: str) -> None:
    assert comparison(text) is None


def test_a_missing_value_is_an_error_as_in_cel() -> None:
    condition = _CONDITIONS.compile("remaining < 5")
    with pytest.raises(EvaluationError):
        condition.holds({})
