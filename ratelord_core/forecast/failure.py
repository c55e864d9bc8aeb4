"""What becomes of a model that fails: it is named, left alone for a while, and built anew."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Final

import msgspec

from ratelord_core.errors import in_one_line
from ratelord_core.model.instant import HOUR, SECOND, Micros

_log = logging.getLogger(__name__)

_FIRST: Final = 2 * SECOND
"""It is built anew so long after it failed, twice as long after each time that this failed …"""
_LONGEST: Final = HOUR
"""… but never later than this; after so long without a failure it has a clean slate."""


class Failure(msgspec.Struct, frozen=True):
    """A model that is not asked for its pool: how it failed, ``since`` when nothing is known of the
    pool's risk (0: since before any time was told), and when it is tried again."""

    model_id: str
    pool: str
    error: str
    since: Micros
    again: Micros

    def __str__(self) -> str:
        return (
            f"forecast model {self.model_id} failed for pool {self.pool} with {self.error}; what "
            "draws from it is denied until the model, which is built anew from time to time, "
            "answers again: mend that plugin or choose another forecast_model"
        )


class Guard:
    """Around every call into one pool's model: one that raises, or answers nonsense, is not asked
    again, because its memory cannot be trusted. The daemon lives on; ``failed`` says what happened,
    by pool."""

    def __init__(self, model_id: str, pool: str, failed: dict[str, Failure]) -> None:
        self._model_id = model_id
        self._pool = pool
        self._failed = failed
        self._now: Micros = 0
        self._since: Micros = 0
        self._pause: Micros = 0
        self._failed_at: Micros = 0
        self.faltered = False
        """Whether it ever failed: what was learnt since is not what the log alone would teach."""

    @property
    def failure(self) -> Failure | None:
        """Why the model is not asked; None while it is."""
        return self._failed.get(self._pool)

    def at(self, now: Micros) -> Guard:
        """It is ``now``."""
        self._now = now
        failure = self.failure
        if failure is not None and not failure.since:
            self._note(failure.error, now)
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        if not isinstance(error, Exception):
            return False
        self.report(error)
        return True

    def report(self, error: Exception) -> None:
        """The model failed."""
        self.faltered = True
        if self._now - self._failed_at > _LONGEST:
            self._pause = 0
        self._pause = min(_LONGEST, 2 * self._pause or _FIRST)
        self._failed_at = self._now
        _log.error("%s", self._note(in_one_line(error), self._now))

    def begin_anew(self, now: Micros) -> None:
        """The model is built anew: it has failed no more, unless it does so again."""
        self._now = now
        before = self._failed.pop(self._pool, None)
        self._since = 0 if before is None else before.since

    def is_well(self) -> None:
        """The new one answers."""
        self._since = 0
        _log.warning(
            "forecast model %s answers again for pool %s, as a new one that knows three windows",
            self._model_id,
            self._pool,
        )

    def _note(self, error: str, now: Micros) -> Failure:
        since = self._since or now
        failed = Failure(self._model_id, self._pool, error, since, now + self._pause)
        self._failed[self._pool] = failed
        return failed
