"""Numbers, spans and times as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ratelord_core.cli import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.25, "0.2 s"),
        (2.5, "2.5 s"),
        (42.4, "42 s"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (3720, "1 h 2 min"),
        (97200, "1 d 3 h"),
    ],
)
def test_spans(seconds, said):
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"), [(None, "–"), (0, "0"), (5000, "5,000"), (2.0, "2"), (2.5, "2.50")]
)
def test_numbers(value, said):
    assert words.number(value) == said


@pytest.mark.parametrize(("number", "said"), [(0, "no pools"), (1, "1 pool"), (2, "2 pools")])
def test_counts(number, said):
    assert words.count(number, "pool") == said


def test_times_from_now_and_ago():
    now = datetime.now(UTC)
    assert words.until((now + timedelta(hours=2, seconds=30)).isoformat()) == "2 h"
    assert words.until((now - timedelta(seconds=5)).isoformat()) == "now"
    assert words.since((now - timedelta(hours=3, seconds=30)).isoformat()) == "3 h ago"
    assert words.since(None) == "never"
    assert words.until("soon") == "–"


def test_a_time_of_another_day_has_its_date():
    assert words.time_of_day("2026-01-15T12:00:00Z").startswith("2026-01-15 ")
    assert len(words.time_of_day(datetime.now(UTC).isoformat())) == len("12:00:00")
    assert words.time_of_day(None) == "–"


def test_text_from_elsewhere_stays_on_its_line():
    assert words.plain("a\x1b[31m\r\nb\x00") == "a [31m  b "


def test_a_track_record_is_told_in_a_few_words() -> None:
    score = {"forecasts": 1210, "calibration_error": 0.0213, "coverage_p90": 0.906}

    assert words.track_record(score) == "1,210 settled, off by 0.021, P90 held 91 %"
    assert words.track_record(None) == words.DASH
    assert words.track_record({"forecasts": 1, "coverage_p90": None}) == "1 settled, off by 0"
