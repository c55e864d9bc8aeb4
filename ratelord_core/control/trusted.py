"""A plugin's controller, trusted until it fails: nothing that it does reaches a decision."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

from ratelord_core.control.protocol import DelayController, Reading
from ratelord_core.errors import in_one_line

T = TypeVar("T")

_log = logging.getLogger(__name__)

_SLOWEST: Final = 1e-9
"""A slower pace (units a second) is none: one unit in thirty years."""


class Trusted:
    """A controller with the even pace behind it. One that raises, or answers a pace that is none,
    is not asked again, because its memory cannot be trusted: its pool goes on at the even pace.

    ``name`` is what rules write as ``algorithm``.
    """

    def __init__(self, name: str, build: Callable[[], DelayController]) -> None:
        self._name = name
        self._at = 0.0
        self.failed: tuple[str, float] | None = None
        """Why the controller is not asked any more, and since when (seconds; 0: from the start)."""
        self._controller: DelayController | None = None
        try:
            self._controller = build()
        except Exception as error:  # noqa: BLE001 - a plugin's controller may raise anything
            self._fail(error)

    def update(self, reading: Reading) -> None:
        """How the pool stands now."""
        self._at = reading.t
        self._asked(lambda controller: controller.update(reading), None)

    def alarmed(self, t: float, part: float) -> None:
        """The provider refused, or counted use that nobody had told us of."""
        self._at = t
        self._asked(lambda controller: controller.alarmed(t, part), None)

    def pace(self, reading: Reading) -> float:
        """Units a second that may start: the controller's pace, or the even one if it failed."""
        self._at = reading.t
        return self._asked(lambda controller: _sane(controller.pace(reading)), reading.even)

    def state(self) -> list[Any] | None:
        """Everything the controller remembers; None if there is nothing to trust."""
        return self._asked(lambda controller: controller.state(), None)

    def restore(self, state: list[Any] | None) -> None:
        """Continue from a state; one that had failed begins anew."""
        if state is not None:
            self._asked(lambda controller: controller.restore(state), None)

    def _asked(self, ask: Callable[[DelayController], T], otherwise: T) -> T:
        """What the controller answers; ``otherwise`` from when it has failed."""
        if self._controller is None:
            return otherwise
        try:
            return ask(self._controller)
        except Exception as error:  # noqa: BLE001 - a plugin's controller may raise anything
            self._fail(error)
            return otherwise

    def _fail(self, error: Exception) -> None:
        self._controller = None
        self.failed = (in_one_line(error), self._at)
        _log.error(
            "delay controller %s failed with %s; its pool goes on at the even pace until the "
            "daemon starts again, mend that plugin or name another algorithm in the rule",
            self._name,
            self.failed[0],
        )


def _sane(pace: float) -> float:
    """A pace that is one; any other is a ``ValueError``."""
    if not pace >= 0.0:
        raise ValueError(f"a pace of {pace} is none")
    return pace if pace > _SLOWEST else 0.0
