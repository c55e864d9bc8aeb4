"""Responses as providers really write them, and the limits that each tells."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.headers import (
    NAMED,
    STANDARD,
    RateLimit,
    parse_duration,
    parse_moment,
    parse_rfc3339,
    read_any,
    reader,
    speaks_of_limits,
)
from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND

NOW = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z


def limit(*numbers: Any, reset: int | None = None, **named: Any) -> RateLimit:
    """A limit that resets so many µs from now."""
    return RateLimit(*numbers, reset_at=None if reset is None else NOW + reset, **named)


def headers(response: str) -> dict[str, str]:
    lines = (line.partition(":") for line in response.strip().splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in lines}


RESPONSES: dict[str, tuple[str, list[RateLimit]]] = {
    "OpenAI, chat completion": (
        """
        date: Thu, 01 Jan 2026 00:00:00 GMT
        openai-processing-ms: 1032
        openai-organization: org-example
        openai-version: 2020-10-01
        x-ratelimit-limit-requests: 60
        x-ratelimit-limit-tokens: 150000
        x-ratelimit-remaining-requests: 59
        x-ratelimit-remaining-tokens: 149984
        x-ratelimit-reset-requests: 1s
        x-ratelimit-reset-tokens: 6m0s
        """,
        [
            limit(60, 59, reset=SECOND, resource="requests", every=MINUTE, unit="requests"),
            limit(150000, 149984, reset=6 * MINUTE, resource="tokens", every=MINUTE, unit="tokens"),
        ],
    ),
    "OpenAI, milliseconds and a project's own limit": (
        """
        x-ratelimit-limit-requests: 10000
        x-ratelimit-remaining-requests: 9999
        x-ratelimit-reset-requests: 6ms
        x-ratelimit-limit-project-tokens: 5000
        x-ratelimit-remaining-project-tokens: 100
        x-ratelimit-reset-project-tokens: 58.8s
        """,
        [
            limit(10000, 9999, reset=6000, resource="requests", every=MINUTE, unit="requests"),
            limit(
                5000, 100, reset=58_800_000, resource="project-tokens", every=MINUTE, unit="tokens"
            ),
        ],
    ),
    "Azure OpenAI, no limit told": (
        """
        x-ratelimit-remaining-requests: 119
        x-ratelimit-remaining-tokens: 119950
        x-ms-region: East US
        """,
        [
            limit(None, 119, resource="requests", every=MINUTE, unit="requests"),
            limit(None, 119950, resource="tokens", every=MINUTE, unit="tokens"),
        ],
    ),
    "Anthropic": (
        """
        anthropic-ratelimit-requests-limit: 50
        anthropic-ratelimit-requests-remaining: 49
        anthropic-ratelimit-requests-reset: 2026-01-01T00:00:01Z
        anthropic-ratelimit-input-tokens-limit: 40000
        anthropic-ratelimit-input-tokens-remaining: 39000
        anthropic-ratelimit-input-tokens-reset: 2026-01-01T00:00:02Z
        anthropic-ratelimit-output-tokens-limit: 8000
        anthropic-ratelimit-output-tokens-remaining: 8000
        anthropic-ratelimit-output-tokens-reset: 2026-01-01T01:00:00+01:00
        request-id: req_018EeWyXxfu5pfWkrYcMdjWG
        """,
        [
            limit(50, 49, reset=SECOND, resource="requests", every=MINUTE, unit="requests"),
            limit(
                40000, 39000, reset=2 * SECOND, resource="input_tokens", every=MINUTE, unit="tokens"
            ),
            limit(8000, 8000, reset=0, resource="output_tokens", every=MINUTE, unit="tokens"),
        ],
    ),
    "GitHub": (
        """
        x-ratelimit-limit: 5000
        x-ratelimit-remaining: 4987
        x-ratelimit-reset: 1767229200
        x-ratelimit-used: 13
        x-ratelimit-resource: core
        """,
        [limit(5000, 4987, 13, reset=HOUR, resource="core")],
    ),
    "GitLab": (
        """
        ratelimit-limit: 60
        ratelimit-name: throttle_authenticated_web
        ratelimit-observed: 67
        ratelimit-remaining: 0
        ratelimit-reset: 1767225630
        retry-after: 45
        """,
        [limit(60, 0, 67, reset=45 * SECOND, resource="throttle_authenticated_web", every=MINUTE)],
    ),
    "Discord": (
        """
        x-ratelimit-limit: 5
        x-ratelimit-remaining: 0
        x-ratelimit-reset: 1767225601.25
        x-ratelimit-reset-after: 1.25
        x-ratelimit-bucket: abcd1234
        """,
        [limit(5, 0, reset=1_250_000, resource="abcd1234")],
    ),
    "Reddit, fractions that are whole": (
        """
        x-ratelimit-remaining: 594.0
        x-ratelimit-used: 6
        x-ratelimit-reset: 319
        """,
        [limit(None, 594, 6, reset=319 * SECOND)],
    ),
    "Shopify": ("x-shopify-shop-api-call-limit: 32/40", [limit(40, None, 32)]),
    "Zendesk": (
        "x-rate-limit: 700\nx-rate-limit-remaining: 699\nratelimit-reset: 37",
        [limit(700, 699, reset=37 * SECOND)],
    ),
    "Okta": (
        "x-rate-limit-limit: 600\nx-rate-limit-remaining: 598\nx-rate-limit-reset: 1767225660",
        [limit(600, 598, reset=MINUTE)],
    ),
    "Linear, milliseconds since the epoch": (
        """
        x-ratelimit-requests-limit: 1500
        x-ratelimit-requests-remaining: 1497
        x-ratelimit-requests-reset: 1767229200000
        x-ratelimit-complexity-limit: 250000
        x-ratelimit-complexity-remaining: 249000
        x-ratelimit-complexity-reset: 1767229200000
        """,
        [
            limit(1500, 1497, reset=HOUR, resource="requests", every=HOUR, unit="requests"),
            limit(250000, 249000, reset=HOUR, resource="complexity", every=HOUR, unit="points"),
        ],
    ),
    "Kong, several windows": (
        """
        x-ratelimit-limit-minute: 10
        x-ratelimit-remaining-minute: 4
        x-ratelimit-limit-hour: 100
        x-ratelimit-remaining-hour: 80
        """,
        [
            limit(10, 4, resource="minute", every=MINUTE),
            limit(100, 80, resource="hour", every=HOUR),
        ],
    ),
    "Jira, an ISO date": (
        "x-ratelimit-limit: 100\nx-ratelimit-remaining: 5\nx-ratelimit-reset: 2026-01-01T00:10:00Z",
        [limit(100, 5, reset=10 * MINUTE)],
    ),
    "an HTTP date": (
        "x-ratelimit-limit: 9\nx-ratelimit-remaining: 5\nx-ratelimit-reset: Thu, 01 Jan 2026 00:00:30 GMT",
        [limit(9, 5, reset=30 * SECOND)],
    ),
    "RateLimit fields, draft 02": (
        "ratelimit-limit: 100, 100;w=60, 1000;w=3600\nratelimit-remaining: 50\nratelimit-reset: 30",
        [limit(100, 50, reset=30 * SECOND, every=MINUTE)],
    ),
    "RateLimit fields, draft 06": (
        "ratelimit-limit: 10\nratelimit-policy: 10;w=1, 50;w=60\nratelimit-remaining: 9\nratelimit-reset: 1",
        [limit(10, 9, reset=SECOND, every=SECOND)],
    ),
    "RateLimit fields, draft 07": (
        "ratelimit-policy: 100;w=60\nratelimit: limit=100, remaining=99, reset=60",
        [limit(100, 99, reset=MINUTE, every=MINUTE)],
    ),
    "RateLimit fields, draft 08, as express-rate-limit has them": (
        'ratelimit-policy: "100-in-15min"; q=100; w=900; pk=:MTI3:\nratelimit: "100-in-15min"; r=99; t=900',
        [
            limit(
                100,
                99,
                reset=15 * MINUTE,
                resource="100-in-15min",
                every=15 * MINUTE,
                unit="requests",
            )
        ],
    ),
    "RateLimit fields, draft 11": (
        """
        ratelimit-policy: "burst";q=100;w=60, "daily";q=1000;w=86400
        ratelimit: "burst";r=50;t=30, "daily";r=999
        """,
        [
            limit(100, 50, reset=30 * SECOND, resource="burst", every=MINUTE, unit="requests"),
            limit(1000, 999, resource="daily", every=DAY, unit="requests"),
        ],
    ),
    "RateLimit without its policy": (
        'ratelimit: "default";r=5;t=10',
        [limit(None, 5, reset=10 * SECOND, resource="default")],
    ),
    "nothing of the kind": ("content-type: text/html\nretry-after: 5", []),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_as_it_is_written_tells_its_limits(name: str) -> None:
    response, limits = RESPONSES[name]
    found = read_any(headers(response), NOW)
    assert list(found.limits) == limits
    assert not found.malformed


MALFORMED = {
    "a word for a number": ("OpenAI, chat completion", "x-ratelimit-remaining-tokens", "many"),
    "a negative rest": ("OpenAI, chat completion", "x-ratelimit-remaining-requests", "-1"),
    "a duration without unit": ("OpenAI, chat completion", "x-ratelimit-reset-tokens", "6m0"),
    "a date that is none": (
        "Anthropic",
        "anthropic-ratelimit-requests-reset",
        "2026-13-01T00:00:00Z",
    ),
    "a date without zone": (
        "Anthropic",
        "anthropic-ratelimit-requests-reset",
        "2026-01-01T00:00:00",
    ),
    "a reset in a year": ("GitHub", "x-ratelimit-reset", "1798761600"),
    "more left than there is": ("GitHub", "x-ratelimit-remaining", "5001"),
    "half a unit": ("GitHub", "x-ratelimit-used", "1.5"),
    "a number beyond every amount": ("GitHub", "x-ratelimit-limit", "9" * 30),
    "half a ratio": ("Shopify", "x-shopify-shop-api-call-limit", "32/"),
    "a field that is not structured": ("RateLimit fields, draft 11", "ratelimit", "burst r=5"),
    "a rest of text": ("RateLimit fields, draft 11", "ratelimit", '"burst";r="5"'),
    "a rest that is missing": ("RateLimit fields, draft 11", "ratelimit", '"burst";t=5'),
    "a standard reset in ten years": (
        "RateLimit fields, draft 07",
        "ratelimit",
        "limit=9, remaining=1, reset=315360000",
    ),
    "an instant where seconds belong": (
        "RateLimit fields, draft 06",
        "ratelimit-reset",
        "1767225660",
    ),
    "an inner list": ("RateLimit fields, draft 11", "ratelimit", '("a" "b");r=1'),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_one_header_that_makes_no_sense_silences_all_of_them(what: str) -> None:
    response, name, value = MALFORMED[what]
    told = headers(RESPONSES[response][0])
    assert name in told
    found = read_any({**told, name: value}, NOW)
    assert found.limits == ()
    assert found.malformed


def test_a_reset_that_has_passed_is_told_as_it_is() -> None:
    told = headers(RESPONSES["GitHub"][0])
    (found,) = read_any({**told, "x-ratelimit-reset": "1767220000"}, NOW).limits
    assert found.reset_at == 1_767_220_000 * SECOND


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("6m0s", 6 * MINUTE),
        ("1h2m3.5s", HOUR + 2 * MINUTE + 3_500_000),
        ("120ms", 120_000),
        ("1d", DAY),
        ("100ns", 1),
        ("7", None),
        ("-1s", None),
        ("s", None),
        ("", None),
        ("1s" * 40, None),
    ],
)
def test_a_duration_is_read_as_go_writes_it(text: str, span: int | None) -> None:
    assert parse_duration(text) == span


def test_an_rfc_3339_time_needs_its_zone() -> None:
    assert parse_rfc3339("2026-01-01T00:00:00Z") == NOW
    assert parse_rfc3339("2026-01-01T00:00:00") is None
    assert parse_rfc3339("2026-01-01") is None


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(sorted({name for told, _ in RESPONSES.values() for name in headers(told)})),
        st.text(max_size=30) | st.integers().map(str),
        max_size=6,
    )
)
def test_whatever_the_headers_say_reading_them_ends_well(told: dict[str, str]) -> None:
    found = read_any(told, NOW)
    assert not (found.malformed and found.limits)
    for one in found.limits:
        assert one.remaining is None or one.limit is None or one.remaining <= one.limit
    for value in told.values():
        moment = parse_moment(value, NOW)
        assert moment is None or moment >= 0


def test_a_dialect_is_found_by_its_name() -> None:
    github = headers(RESPONSES["GitHub"][0])
    for name in (*NAMED, STANDARD):
        read = reader(name)
        assert read is not None
        assert bool(read(github, NOW).limits) == (name in {"github", "x-ratelimit"})
    assert reader("klingon") is None


def test_headers_that_speak_of_limits_are_known_by_their_names() -> None:
    for name, (response, limits) in RESPONSES.items():
        assert speaks_of_limits(headers(response)) or not limits or name == "Shopify"
