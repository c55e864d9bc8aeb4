"""What rate-limit headers say, and when they say nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.headers import (
    LATEST,
    RateLimit,
    parse_count,
    parse_http_date,
    parse_reset,
    parse_retry_after,
    read_x_ratelimit,
)
from ratelord_core.model.instant import SECOND, from_datetime
from ratelord_core.model.pool import MAX_UNITS

NOW = 1_700_000_000 * SECOND


@given(st.integers(0, MAX_UNITS))
def test_every_possible_count_is_read(count: int) -> None:
    assert parse_count(f" {count} ") == count
    assert parse_count(f"{count}.0") == (count if len(str(count)) <= 16 else None)


@pytest.mark.parametrize(
    "text", ["", "-1", "1.5", "1e3", "١", "0x10", "5 000", str(2**53), "9" * 99]
)
def test_what_is_no_whole_amount_is_no_count(text: str) -> None:
    assert parse_count(text) is None


@given(st.text(max_size=40))
def test_no_text_makes_a_parser_fail(text: str) -> None:
    for found in (parse_count(text), parse_reset(text, NOW), parse_http_date(text)):
        assert found is None or found >= 0
    wait = parse_retry_after(text, NOW)
    assert wait is None or wait >= 0
    read_x_ratelimit({"x-ratelimit-limit": text, "x-ratelimit-reset": text}, NOW)


@pytest.mark.parametrize(
    ("text", "reset_at"),
    [
        ("1700003600", NOW + 3600 * SECOND),
        ("1700003600.25", NOW + 3600 * SECOND + SECOND // 4),
        ("1700003600000", NOW + 3600 * SECOND),
        ("60", NOW + 60 * SECOND),
        ("0.5", NOW + SECOND // 2),
        ("0", NOW),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_reset_is_an_instant_or_a_time_to_wait(text: str, reset_at: int | None) -> None:
    assert parse_reset(text, NOW) == reset_at


@given(st.integers(0, 10**12))
def test_no_reset_lies_before_now_minus_history_or_after_the_last_year(number: int) -> None:
    found = parse_reset(str(number), NOW)
    assert found is None or 0 < found <= LATEST


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 14 Nov 2023 22:15:20 GMT",
        "Tuesday, 14-Nov-23 22:15:20 GMT",
        "Tue Nov 14 22:15:20 2023",
    ],
)
def test_all_three_forms_of_an_http_date_are_read(text: str) -> None:
    assert parse_http_date(text) == NOW + 120 * SECOND
    assert parse_retry_after(text, NOW) == 120.0


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))
def test_an_http_date_is_read_to_the_second(moment: datetime) -> None:
    whole = moment.replace(microsecond=0, tzinfo=UTC)
    text = whole.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert parse_http_date(text) == from_datetime(whole)


def test_retry_after_in_seconds_or_by_a_date_gone_by() -> None:
    assert parse_retry_after("120", NOW) == 120.0
    assert parse_retry_after("Tue, 14 Nov 2023 22:00:00 GMT", NOW) == 0.0
    assert parse_retry_after("later", NOW) is None


def dialect(**named: str) -> dict[str, str]:
    return {f"x-ratelimit-{name}": text for name, text in named.items()}


def test_the_dialect_is_read_whole() -> None:
    headers = dialect(limit="5000", remaining="4999", used="1", reset="1700003600", resource="core")
    assert read_x_ratelimit(headers, NOW) == RateLimit(5000, 4999, 1, NOW + 3600 * SECOND, "core")


def test_parts_may_be_missing() -> None:
    assert read_x_ratelimit(dialect(remaining="3"), NOW) == RateLimit(remaining=3)
    assert read_x_ratelimit(dialect(reset="60"), NOW) is None
    assert read_x_ratelimit({}, NOW) is None


@pytest.mark.parametrize("name", ["limit", "remaining", "used", "reset"])
def test_one_malformed_part_silences_the_whole_set(name: str) -> None:
    headers = dialect(limit="10", remaining="5", used="5", reset="60")
    assert read_x_ratelimit({**headers, f"x-ratelimit-{name}": "many"}, NOW) is None


def test_more_remaining_than_the_limit_is_no_truth() -> None:
    assert read_x_ratelimit(dialect(limit="10", remaining="11"), NOW) is None


def test_use_may_exceed_the_limit() -> None:
    assert read_x_ratelimit(dialect(limit="10", used="12", remaining="0"), NOW) is not None


def test_a_retry_after_behind_the_reset_counts_once_nothing_remains() -> None:
    headers = {**dialect(limit="10", remaining="0", reset="60"), "retry-after": "90"}
    found = read_x_ratelimit(headers, NOW)
    assert found is not None
    assert found.reset_at == NOW + 90 * SECOND
    still = read_x_ratelimit({**headers, "x-ratelimit-remaining": "1"}, NOW)
    assert still is not None
    assert still.reset_at == NOW + 60 * SECOND


def test_another_prefix_reads_the_same_dialect() -> None:
    found = read_x_ratelimit({"ratelimit-limit": "7"}, NOW, prefix="ratelimit-")
    assert found == RateLimit(limit=7)
