"""What GitHub counts, enforced: windows of resources, points a minute, requests at a time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

HOURLY: Final = {
    "core": 5000,
    "graphql": 5000,
    "integration_manifest": 5000,
    "code_scanning_upload": 1000,
    "actions_runner_registration": 10_000,
    "scim": 15_000,
    "audit_log": 1750,
    "audit_log_streaming": 15,
}
MINUTELY: Final = {
    "search": 30,
    "code_search": 10,
    "source_import": 100,
    "code_scanning_autofix": 10,
    "dependency_snapshots": 100,
    "dependency_sbom": 100,
}


class FixedWindow:
    """``limit`` units until ``reset`` (epoch seconds), which comes every so many seconds."""

    def __init__(self, limit: int, every: int, now: Callable[[], float]) -> None:
        self.limit = limit
        self.used = 0
        self._every = every
        self._now = now
        self.reset = int(now()) + every

    def take(self, units: int) -> bool:
        """Use them up, if they are there."""
        self.roll()
        if self.used + units > self.limit:
            return False
        self.used += units
        return True

    def roll(self) -> None:
        """Begin the next window, if this one is over."""
        while self.reset <= self._now():
            self.reset += self._every
            self.used = 0


class Primary:
    """A window for every resource."""

    def __init__(self, limits: Mapping[str, int], now: Callable[[], float]) -> None:
        self.windows = {
            name: FixedWindow(limits.get(name, limit), every, now)
            for table, every in ((HOURLY, 3600), (MINUTELY, 60))
            for name, limit in table.items()
        }

    def window(self, resource: str) -> FixedWindow:
        """The window as it stands."""
        found = self.windows[resource]
        found.roll()
        return found

    def take(self, resource: str, units: int) -> bool:
        """Use up units of a resource, if they are there."""
        return self.window(resource).take(units)

    def headers(self, resource: str) -> dict[str, str]:
        """What an answer tells of its resource."""
        window = self.window(resource)
        told = {
            "limit": window.limit,
            "remaining": window.limit - window.used,
            "used": window.used,
            "reset": window.reset,
            "resource": resource,
        }
        return {f"x-ratelimit-{name}": str(value) for name, value in told.items()}

    def listing(self) -> dict[str, object]:
        """What ``GET /rate_limit`` answers."""
        told = {}
        for name in self.windows:
            window = self.window(name)
            remaining = window.limit - window.used
            told[name] = {
                "limit": window.limit,
                "used": window.used,
                "remaining": remaining,
                "reset": window.reset,
            }
        return {"resources": told, "rate": told["core"]}


class Trailing:
    """At most ``limit`` units in any ``every`` seconds."""

    def __init__(self, limit: int, every: int, now: Callable[[], float]) -> None:
        self.limit = limit
        self._every = every
        self._now = now
        self._spent: deque[tuple[float, int]] = deque()

    def wait(self, units: int) -> float:
        """Seconds until so many fit; 0 if they do now."""
        now = self._now()
        while self._spent and self._spent[0][0] <= now - self._every:
            self._spent.popleft()
        over = sum(spent for _, spent in self._spent) + units - self.limit
        for at, spent in self._spent:
            if over <= 0:
                break
            over -= spent
            if over <= 0:
                return at + self._every - now
        return 0.0 if over <= 0 else float(self._every)

    def take(self, units: int) -> None:
        """Use them up."""
        self._spent.append((self._now(), units))


class Secondary:
    """The documented secondary limits: points, content, requests at a time."""

    def __init__(self, now: Callable[[], float], concurrent: int) -> None:
        self.concurrent = concurrent
        self.points = {"rest": Trailing(900, 60, now), "graphql": Trailing(2000, 60, now)}
        self.content = {"minute": Trailing(80, 60, now), "hour": Trailing(500, 3600, now)}
        self._running = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """For as long as a request is answered."""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def take(self, door: str, points: int, *, creates: bool) -> tuple[str, int] | None:
        """Use up what a request counts; else the limit that it would exceed and the whole seconds
        to wait."""
        if self._running > self.concurrent:
            return "concurrent", 60
        needed = {f"{door}_points": (self.points[door], points)}
        if creates:
            needed |= {f"content_{name}": (one, 1) for name, one in self.content.items()}
        for name, (meter, units) in needed.items():
            wait = meter.wait(units)
            if wait > 0:
                return name, max(1, math.ceil(wait))
        for meter, units in needed.values():
            meter.take(units)
        return None


def points_of(query: str) -> int:
    """The points of a GraphQL query, by the documented rule: a request for every connection, as
    often as those around it have nodes; a point for every hundred, and at least one."""
    requests, around, asked, text = 0, [1], 1, query
    at = 0
    while at < len(text):
        if text.startswith("first:", at) or text.startswith("last:", at):
            digits = text[text.index(":", at) + 1 :].lstrip()
            number = digits[: next((i for i, c in enumerate(digits) if not c.isdigit()), 0)]
            requests += around[-1]
            asked = int(number or 1)
        elif text[at] == "{":
            around.append(around[-1] * asked)
            asked = 1
        elif text[at] == "}" and len(around) > 1:
            around.pop()
        at += 1
    return max(1, round(requests / 100))
