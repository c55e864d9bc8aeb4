"""Small plots as SVG: lines against a limit, stacked bars over time, a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 860, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 34

_STEPS = (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 15, 20, 30, 60, 90, 120, 200, 500, 1000)

Points = Sequence[float | None]


class Plot:
    """A frame with two axes: seconds (or bars) to the right, amounts upwards from 0."""

    def __init__(self, title: str, across: float, up: float, unit: str) -> None:
        self.title = title
        self._across = across or 1.0
        self._up = _round_up(up)
        self._unit = unit
        self._parts: list[str] = []

    def x(self, value: float) -> float:
        """Where an instant (seconds) lies."""
        return _LEFT + value / self._across * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Where an amount lies."""
        return HEIGHT - _BOTTOM - min(value, self._up) / self._up * (HEIGHT - _TOP - _BOTTOM)

    def line(self, step: float, values: Points, kind: str, name: str) -> None:
        """A line through values that lie ``step`` seconds apart, the first after one step."""
        places = [
            f"{self.x(step * number):.1f},{self.y(value):.1f}"
            for number, value in enumerate(values, 1)
            if value is not None
        ]
        if places:
            points = " ".join(places)
            self._parts.append(
                f'<polyline class="{kind}" points="{points}">'
                f"<title>{escape(name)}</title></polyline>"
            )

    def area(self, step: float, low: Points, high: Points, kind: str, name: str) -> None:
        """What lies between two lines."""
        ways = [(n, a, b) for n, (a, b) in enumerate(zip(low, high, strict=True), 1)]
        up = [f"{self.x(step * n):.1f},{self.y(b or 0):.1f}" for n, _, b in ways]
        down = [f"{self.x(step * n):.1f},{self.y(a or 0):.1f}" for n, a, _ in reversed(ways)]
        self._parts.append(
            f'<polygon class="{kind}" points="{" ".join(up + down)}">'
            f"<title>{escape(name)}</title></polygon>"
        )

    def bar(self, begin: float, end: float, low: float, high: float, kind: str, name: str) -> None:
        """A bar; ``name`` is shown under the pointer."""
        left, top = self.x(begin), self.y(high)
        width, height = max(0.5, self.x(end) - left - 0.6), max(0.0, self.y(low) - top)
        if height:
            self._parts.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
                f'height="{height:.1f}"><title>{escape(name)}</title></rect>'
            )

    def mark(self, at: float, name: str) -> None:
        """A thin upright line at an instant."""
        self._parts.append(
            f'<line class="mark" x1="{self.x(at):.1f}" x2="{self.x(at):.1f}" y1="{_TOP}" '
            f'y2="{HEIGHT - _BOTTOM}"><title>{escape(name)}</title></line>'
        )

    def drawn(self, across: Sequence[tuple[float, str]]) -> str:
        """The whole plot, with these words along its lower edge."""
        floor = HEIGHT - _BOTTOM
        grid = "".join(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{self.y(v):.1f}" '
            f'y2="{self.y(v):.1f}"/><text class="up" x="{_LEFT - 8}" y="{self.y(v) + 4:.1f}">'
            f"{amount(v)}</text>"
            for v in (self._up * part / 4 for part in range(5))
        )
        words = "".join(
            f'<text class="{"last" if at > 0.97 * self._across else "across"}" '
            f'x="{self.x(at):.1f}" y="{floor + 16}">{escape(word)}</text>'
            for at, word in across
        )
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">'
            f'{grid}{words}<text class="unit" x="{_LEFT}" y="{HEIGHT - 2}">{escape(self._unit)}'
            f"</text>{''.join(self._parts)}</svg>"
        )


def moments(duration: float) -> list[tuple[float, str]]:
    """Round instants of a run, six at most after the first, and how they are called."""
    size, unit = next(
        (one for one in ((86400, "d"), (3600, "h"), (60, "min")) if duration >= 2 * one[0]),
        (1, "s"),
    )
    whole = duration / size
    step = next((one for one in _STEPS if whole / one <= 6), whole)
    count = int(whole / step + 1e-9)
    return [(number * step * size, f"{number * step:.3g} {unit}") for number in range(count + 1)]


def amount(value: float) -> str:
    """A number in few characters."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 10 * size or (value >= size and value % size == 0):
            return f"{value / size:.3g}{sign}"
    return f"{value:.4g}"


def _round_up(value: float) -> float:
    """A round number that is no smaller and divides by four."""
    if value <= 0:
        return 4.0
    size = 10.0 ** (len(str(int(value))) - 1)
    steps = (0.4, 0.8, 1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
    return next((size * step for step in steps if size * step >= value), value)
