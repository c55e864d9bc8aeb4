"""What may be written in the policy file about a mock, and what is refused with a hint."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_core.clock import SteppedClock
from ratelord_core.errors import SettingsError
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import HOUR, MINUTE, SECOND
from ratelord_core.model.window import Window
from ratelord_mock.options import MockOptions, read_options
from ratelord_mock.plugin import MockFactory


def read(poll_interval: int | None = None, **options: Any) -> MockOptions:
    return read_options(ProviderConfig("mock", "m", poll_interval=poll_interval, options=options))


def windows(**window: Any) -> Window:
    return read(pools={"a": {"limit": 5, "window": window}}).pools[0].pool.window


def test_all_six_kinds_of_windows_are_read() -> None:
    assert windows(kind="fixed", every="1h") == Window("fixed", every=HOUR)
    assert windows(every=60) == Window("fixed", every=MINUTE)
    assert windows(kind="fixed", reset_at="2026-01-01T00:00:00Z").anchor == SteppedClock().now()
    assert windows(kind="calendar", every="week") == Window("calendar", unit="week")
    assert windows(kind="sliding", every="90s") == Window("sliding", every=90 * SECOND)
    assert windows(kind="bucket", every="60s", burst=9) == Window("bucket", every=MINUTE, burst=9)
    assert windows(kind="concurrency") == Window("concurrency")
    assert windows(kind="unbounded") == Window("unbounded")


def test_a_pool_may_have_a_unit_and_be_left_out_of_the_default() -> None:
    pool = read(pools={"t": {"limit": 5, "unit": "tokens", "default": False}}).pools[0].pool
    assert (pool.unit, pool.default) == ("tokens", False)


@pytest.mark.parametrize(
    ("every", "interval"), [("1h", 5 * SECOND), ("4s", SECOND), ("100ms", SECOND // 5)]
)
def test_the_rhythm_follows_the_shortest_window(every: str, interval: int) -> None:
    options = read(pools={"a": {"limit": 5}, "b": {"limit": 5, "window": {"every": every}}})
    assert options.poll_interval == interval


def test_a_configured_rhythm_rules() -> None:
    assert read(poll_interval=42 * SECOND).poll_interval == 42 * SECOND


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"pool": {}}, "no option 'pool'; did you mean 'pools'"),
    ({"pools": ["a"]}, "pools is \\['a'\\]; give a mapping"),
    ({"pools": {"a": {"limt": 5}}}, r"'pools\.a\.limt'; did you mean 'limit'"),
    ({"pools": {"a": {}}}, r"pools\.a\.limit is None; give a whole number"),
    ({"pools": {"a": {"limit": -5}}}, r"pools\.a\.limit is -5"),
    ({"pools": {"a": {"limit": 1.5}}}, r"pools\.a\.limit is 1\.5"),
    ({"pools": {"a": {"limit": True}}}, r"pools\.a\.limit is True"),
    ({"pools": {"a": {"limit": 5, "used": "x"}}}, r"pools\.a\.used is 'x'"),
    ({"pools": {"a b": {"limit": 5}}}, "a pool's name is 'a b'"),
    ({"pools": {"a": {"limit": 5, "unit": 7}}}, r"pools\.a\.unit is 7"),
    ({"pools": {"a": {"limit": 5, "default": "no"}}}, r"pools\.a\.default is 'no'"),
    ({"pools": {"a": {"limit": 5, "window": {"kind": "fix"}}}}, "is 'fix'; it is one of fixed"),
    ({"pools": {"a": {"limit": 5, "window": {"kind": "fixed"}}}}, "every is None"),
    ({"pools": {"a": {"limit": 5, "window": {"every": "soon"}}}}, "every is 'soon'; give a dur"),
    ({"pools": {"a": {"limit": 5, "window": {"every": 0}}}}, "every is 0"),
    ({"pools": {"a": {"limit": 5, "window": {"burst": 5}}}}, "no option 'pools.a.window.burst'"),
    ({"pools": {"a": {"limit": 5, "window": {"reset_at": "x"}}}}, "reset_at is 'x'; give an inst"),
    ({"pools": {"a": {"limit": 5, "window": {"kind": "calendar"}}}}, "one of hour, day, week"),
    (
        {
            "pools": {
                "a": {"limit": 5, "window": {"kind": "calendar", "every": "day", "timezone": "No"}}
            }
        },
        "timezone is 'No'; give an IANA name",
    ),
    ({"failures": 3}, "failures is 3; give a list"),
    ({"failures": [{"pole": 3}]}, r"'failures\.pole'; did you mean 'poll'"),
    ({"failures": [{"poll": 3, "kind": "sad"}]}, r"failures\.kind is 'sad'; it is one of timeout"),
    ({"failures": [{"poll": 3, "takes": "long"}]}, r"failures\.takes is 'long'"),
    ({"clock_ahead": "soon"}, "clock_ahead is 'soon'"),
    ({"failures": {"rate": 2}}, r"failures\.rate is 2; give a share"),
    ({"failures": {"rate": 0.5, "kinds": "x"}}, r"failures\.kinds is 'x'"),
    ({"failures": {"share": 0.5}}, r"no option 'failures\.share'"),
    ({"latency": "slow"}, "latency is 'slow'"),
    ({"seed": "x"}, "seed is 'x'"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_wrong_option_is_named_with_its_value_and_what_is_right(
    options: dict[str, Any], message: str
) -> None:
    config = ProviderConfig("mock", "m", options=options)
    with pytest.raises(SettingsError, match=message) as caught:
        MockFactory().build(config, lambda: None, SteppedClock())
    assert "\n" not in str(caught.value)
    assert "provider m" in str(caught.value)
