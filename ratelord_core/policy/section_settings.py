"""The sections ``settings``, ``retention``, ``pricing`` and ``units``."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from ratelord_core.model.config import RetentionConfig, Settings
from ratelord_core.model.instant import HOUR, Micros
from ratelord_core.policy.fields import Fields, Reader, entries
from ratelord_core.policy.reading import Reading, nearest
from ratelord_core.policy.values import flag, long_span, number, span, text, zone

_SPANS = ("default_max_wait", "hold_ttl", "concurrency_ttl", "idempotency_ttl")
_RATIOS = ("warn_threshold", "critical_threshold", "risk_hysteresis")
_PERCENTAGES = ("high_reserve_percent", "drift_percent")


def _ratio(node: yaml.Node, path: str, reading: Reading) -> float | None:
    return _up_to(1, node, path, reading)


def _percent(node: yaml.Node, path: str, reading: Reading) -> float | None:
    return _up_to(100, node, path, reading)


def _up_to(top: int, node: yaml.Node, path: str, reading: Reading) -> float | None:
    value = number(node, path, reading)
    if value is None or value <= top:
        return value
    reading.found(node, path, f"must be from 0 to {top}, not {value:g}")
    return None


def _reader(setting: str, default: Any) -> Reader[Any]:
    if setting in _SPANS:
        return span if setting == "default_max_wait" else long_span
    if setting in _RATIOS:
        return _ratio
    if setting in _PERCENTAGES:
        return _percent
    if setting == "timezone":
        return zone
    return flag if isinstance(default, bool) else text


def read_settings(node: yaml.Node, reading: Reading) -> Settings:
    """The engine's switches and thresholds."""
    fields = Fields(node, "settings", reading)
    defaults = msgspec.structs.asdict(Settings())
    values = {
        setting: fields.get(_reader(setting, default), default, setting)
        for setting, default in defaults.items()
    }
    fields.close()
    made = Settings(**values)
    if made.warn_threshold >= made.critical_threshold:
        message = (
            f"warn_threshold {made.warn_threshold:g} must be less than "
            f"critical_threshold {made.critical_threshold:g}"
        )
        reading.found(node, "settings", message)
    place = fields.at("forecast_model")
    if place and reading.models and made.forecast_model not in reading.models:
        message = f"no forecast model is called {made.forecast_model!r}"
        hint = nearest(made.forecast_model, reading.models)
        reading.found(place, "settings.forecast_model", message, hint)
    return made


def read_retention(node: yaml.Node, reading: Reading) -> RetentionConfig:
    """How long events are kept."""
    fields = Fields(node, "retention", reading)
    made = RetentionConfig(
        enabled=fields.get(flag, False, "enabled"),
        default_ttl=fields.maybe(long_span, "default_ttl"),
        by_type=fields.get(_spans, {}, "by_type"),
        check_interval=fields.get(long_span, HOUR, "check_interval"),
    )
    fields.close()
    return made


def _spans(node: yaml.Node, path: str, reading: Reading) -> dict[str, Micros] | None:
    read = {
        key: long_span(value, f"{path}.{key}", reading)
        for key, (_, value) in entries(node, path, reading).items()
    }
    return {key: value for key, value in read.items() if value is not None}


def read_pricing(node: yaml.Node, reading: Reading) -> dict[str, dict[str, float]]:
    """Micro-USD per 1,000 units, by provider and by what is counted."""
    found: dict[str, dict[str, float]] = {}
    for provider, (_, prices) in entries(node, "pricing", reading).items():
        path = f"pricing.{provider}"
        read = {
            key: number(value, f"{path}.{key}", reading)
            for key, (_, value) in entries(prices, path, reading).items()
        }
        found[provider] = {key: price for key, price in read.items() if price is not None}
    return found


def read_units(node: yaml.Node, reading: Reading) -> dict[str, str]:
    """What each provider counts."""
    read = {
        key: text(value, f"units.{key}", reading)
        for key, (_, value) in entries(node, "units", reading).items()
    }
    return {key: unit for key, unit in read.items() if unit is not None}
