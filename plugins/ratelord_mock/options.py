"""What the configuration says of a simulated account, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast, get_args
from zoneinfo import ZoneInfo

import msgspec

from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import MINUTE, SECOND, Micros, from_text
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.model.span import parse_span
from ratelord_core.model.window import CalendarUnit, Window, WindowKind
from ratelord_core.provider import bad_option, check_options
from ratelord_mock.faults import TROUBLES, Fault, Faults
from ratelord_mock.lies import LIES

WINDOW_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "fixed": ("kind", "every", "reset_at"),
    "calendar": ("kind", "every", "timezone"),
    "sliding": ("kind", "every"),
    "bucket": ("kind", "every", "burst"),
    "concurrency": ("kind",),
    "unbounded": ("kind",),
}
DEFAULT_POOLS: Final = {"default": {"limit": 1000}}
KINDS: Final = (*TROUBLES, *LIES)
"""What a poll may be made to do."""
SLOWEST: Final[Micros] = 5 * SECOND
FASTEST: Final[Micros] = SECOND // 5


class Simulated(NamedTuple):
    """A pool, and the use that it reports from the start (None: it reports none)."""

    pool: Pool
    used: int | None


class MockOptions(msgspec.Struct, frozen=True):
    """A simulated account. Spans in µs; a poll takes ``latency`` plus up to ``jitter``."""

    pools: tuple[Simulated, ...]
    poll_interval: Micros
    seed: int = 0
    faults: Faults = Faults()
    latency: Micros = 0
    jitter: Micros = 0
    clock_ahead: Micros = 0


def read_options(config: ProviderConfig) -> MockOptions:
    """The account as configured. Raises ``SettingsError`` that names the option and its value."""
    check_options(config, ("pools", "seed", "failures", "latency", "jitter", "clock_ahead"))
    options = {name: value for name, value in config.options.items() if value is not None}
    reader = _Reader(config)
    named = reader.mapping("pools", options.get("pools", DEFAULT_POOLS))
    pools = tuple(reader.pool(name, value) for name, value in named.items())
    return MockOptions(
        pools=pools,
        poll_interval=config.poll_interval or _rhythm(pools),
        seed=reader.whole("seed", options.get("seed", 0)),
        faults=reader.faults(options.get("failures", [])),
        latency=reader.span("latency", options.get("latency", 0)),
        jitter=reader.span("jitter", options.get("jitter", 0)),
        clock_ahead=reader.span("clock_ahead", options.get("clock_ahead", 0)),
    )


def _rhythm(pools: tuple[Simulated, ...]) -> Micros:
    """A quarter of the shortest window, so that a demonstration shows every turn of it."""
    spans = [pool.window.every for pool, _ in pools if pool.window.every is not None]
    return max(FASTEST, min(SLOWEST, min(spans, default=MINUTE) // 4))


class _Reader:
    """Reads values of one account's options; every error names the account."""

    def __init__(self, config: ProviderConfig) -> None:
        self._config = config

    def pool(self, name: str, value: object) -> Simulated:
        path = f"pools.{name}"
        if not is_id(name):
            raise bad_option(self._config, "a pool's name", name, "use letters, digits and ._:/@+-")
        given = self.mapping(path, value)
        check_options(self._config, ("limit", "window", "used", "unit", "default"), given, path)
        window = self.window(
            f"{path}.window", given.get("window") or {"kind": "fixed", "every": 60}
        )
        limit = given.get("limit")
        if limit is None and window.kind != "unbounded":
            raise bad_option(self._config, f"{path}.limit", limit, "give a whole number of units")
        used = given.get("used")
        return Simulated(
            Pool(
                self._config.id,
                name,
                unit=self.text(f"{path}.unit", given.get("unit") or "requests"),
                limit=None if limit is None else self.whole(f"{path}.limit", limit),
                window=window,
                default=self.flag(f"{path}.default", given.get("default", True)),
            ),
            None if used is None else self.whole(f"{path}.used", used),
        )

    def window(self, path: str, value: object) -> Window:
        given = self.mapping(path, value)
        kind = given.get("kind", "fixed")
        if kind not in WINDOW_KEYS:
            right = f"it is one of {', '.join(WINDOW_KEYS)}"
            raise bad_option(self._config, f"{path}.kind", kind, right)
        check_options(self._config, WINDOW_KEYS[kind], given, path)
        if kind == "calendar":
            return self._calendar(path, given)
        every = given.get("every")
        anchor = given.get("reset_at")
        if every is None and anchor is None and "every" in WINDOW_KEYS[kind]:
            raise bad_option(self._config, f"{path}.every", every, "give its length, such as 60s")
        burst = given.get("burst")
        return Window(
            kind=cast("WindowKind", kind),
            every=None if every is None else self.span(f"{path}.every", every, least=1000),
            anchor=None if anchor is None else self.instant(f"{path}.reset_at", anchor),
            burst=None if burst is None else self.whole(f"{path}.burst", burst),
        )

    def _calendar(self, path: str, given: Mapping[str, Any]) -> Window:
        unit = given.get("every")
        if unit not in get_args(CalendarUnit):
            right = f"it is one of {', '.join(get_args(CalendarUnit))}"
            raise bad_option(self._config, f"{path}.every", unit, right)
        timezone = given.get("timezone") or "UTC"
        try:
            ZoneInfo(timezone)
        except (ValueError, OSError, TypeError, KeyError):
            right = "give an IANA name, such as Europe/Madrid"
            raise bad_option(self._config, f"{path}.timezone", timezone, right) from None
        return Window(kind="calendar", unit=cast("CalendarUnit", unit), timezone=timezone)

    def faults(self, value: object) -> Faults:
        if isinstance(value, Mapping):
            given = self.mapping("failures", value)
            check_options(self._config, ("rate", "kinds"), given, "failures")
            rate = given.get("rate", 0)
            if not isinstance(rate, int | float) or not 0 <= rate <= 1:
                raise bad_option(self._config, "failures.rate", rate, "give a share from 0 to 1")
            kinds = given.get("kinds") or ["server_error"]
            if not isinstance(kinds, list):
                raise bad_option(self._config, "failures.kinds", kinds, "give a list of kinds")
            return Faults(rate=float(rate), kinds=tuple(self.kind(kind) for kind in kinds))
        if not isinstance(value, list):
            raise bad_option(
                self._config, "failures", value, "give a list of poll numbers, or rate and kinds"
            )
        return Faults(scheduled=tuple(self._fault(entry) for entry in value))

    def _fault(self, entry: object) -> Fault:
        given = {"poll": entry} if isinstance(entry, int) else self.mapping("failures", entry)
        check_options(
            self._config, ("poll", "count", "kind", "retry_after", "takes"), given, "failures"
        )
        wait = given.get("retry_after")
        return Fault(
            first=self.whole("failures.poll", given.get("poll")),
            count=self.whole("failures.count", given.get("count", 1)),
            kind=self.kind(given.get("kind", "server_error")),
            takes=self.span("failures.takes", given.get("takes", 1)),
            retry_after=None if wait is None else self.span("failures.retry_after", wait),
        )

    def kind(self, value: object) -> str:
        if value not in KINDS:
            right = f"it is one of {', '.join(KINDS)}"
            raise bad_option(self._config, "failures.kind", value, right)
        return str(value)

    def mapping(self, path: str, value: object) -> Mapping[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise bad_option(self._config, path, value, "give a mapping of names to values")
        return value

    def whole(self, path: str, value: object) -> int:
        if type(value) is not int or not 0 <= value <= MAX_UNITS:
            right = "give a whole number from 0 to 2^53-1"
            raise bad_option(self._config, path, value, right)
        return value

    def span(self, path: str, value: object, least: Micros = 0) -> Micros:
        try:
            span = parse_span(value)
        except ValueError:
            span = -1
        if span < least:
            raise bad_option(self._config, path, value, "give a duration, such as 60s or 1h30m")
        return span

    def instant(self, path: str, value: object) -> Micros:
        try:
            return from_text(str(value))
        except ValueError:
            right = "give an instant, such as 2026-01-31T12:00:00Z"
            raise bad_option(self._config, path, value, right) from None

    def text(self, path: str, value: object) -> str:
        if not isinstance(value, str) or not value.isprintable() or len(value) > 64:
            raise bad_option(self._config, path, value, "give a short name, such as requests")
        return value

    def flag(self, path: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise bad_option(self._config, path, value, "give true or false")
        return value
