"""Durations as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND
from ratelord_core.model.span import MAX_SPAN, parse_span


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("30s", 30 * SECOND),
        ("1h30m", HOUR + 30 * MINUTE),
        ("250ms", SECOND // 4),
        ("1.5h", 90 * MINUTE),
        ("2d", 2 * DAY),
        ("1w", 7 * DAY),
        ("7us", 7),
        ("7µs", 7),
        ("0.0000001s", 1),
        ("4.35", 4_350_000),
        (4.35, 4_350_000),
        ("1e3", 1000 * SECOND),
        ("0.1us", 1),
        (" 5S ", 5 * SECOND),
        ("90", 90 * SECOND),
        (90, 90 * SECOND),
        (0.5, SECOND // 2),
        (0, 0),
    ],
)
def test_a_duration_is_read(written: Any, span: int) -> None:
    assert parse_span(written) == span


@pytest.mark.parametrize(
    "written",
    [
        "",
        "s",
        "5x",
        ".5s",
        "1_000",
        "5s ago",
        "-5s",
        -1,
        True,
        None,
        float("nan"),
        float("inf"),
        1e300,
        10**400,
        [],
        "9" * 20,
        "0" * 61,
    ],
)
def test_anything_else_is_refused_with_its_value(written: Any) -> None:
    with pytest.raises(ValueError, match="is not a duration; write one like 30s"):
        parse_span(written)


@given(st.integers(0, MAX_SPAN // SECOND))
def test_text_and_number_agree(seconds: int) -> None:
    assert parse_span(f"{seconds}s") == parse_span(seconds) == seconds * SECOND
