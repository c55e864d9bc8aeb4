"""How often, how long and how patiently a call is tried; the same for both clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from tenacity import RetryCallState, retry_if_exception, wait_exponential, wait_random

from ratelord.connection import Connection
from ratelord.errors import DaemonUnreachable, RatelordError, UpstreamError
from ratelord.wire import MAX_REPLY_BYTES, Call

MOST_ATTEMPTS = 6
_ERRNO = re.compile(r"\[Errno -?\d+\] ?")
_BACKOFF = wait_exponential(multiplier=0.05, max=1.0) + wait_random(0.0, 0.05)


class Budget:
    """The seconds that all attempts of one call may take together."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ends = monotonic() + seconds

    def left(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self._ends - self._monotonic())


class Body:
    """Collects a reply, piece by piece, within the budget and a sane size."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        """Take one piece; raises ``ReadTimeout`` once a trickling reply has used up the time."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._budget.left() <= 0:
            raise httpx2.ReadTimeout("the reply took too long")
        if self._size > MAX_REPLY_BYTES:
            raise httpx2.DecodingError("the reply is too big")

    def bytes(self) -> bytes:
        """The whole."""
        return b"".join(self._pieces)


def policy(call: Call, budget: Budget) -> dict[str, Any]:
    """The arguments of tenacity's ``Retrying`` for one call."""

    def worth_it(error: BaseException) -> bool:
        if isinstance(error, UpstreamError) and error.status in (429, 503):
            return True
        return isinstance(error, RatelordError) and error.outcome_unknown and call.repeatable

    def out_of_time(state: RetryCallState) -> bool:
        return state.attempt_number >= MOST_ATTEMPTS or state.upcoming_sleep >= budget.left()

    return {
        "retry": retry_if_exception(worth_it),
        "stop": out_of_time,
        "wait": _pause,
        "reraise": True,
    }


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, RatelordError) else None
    return _BACKOFF(state) if asked is None else max(asked, 0.01)


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Turn the transport's exceptions into ours, one line each, with the next step."""
    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
        raise DaemonUnreachable(
            f"no daemon at {connection.where} ({_short(error)}); start one with: ratelord up"
        ) from None
    except httpx2.TimeoutException as error:
        raise DaemonUnreachable(
            f"no answer from {connection.where} in time ({_short(error)}); "
            "try again, set RATELORD_TIMEOUT higher, or see: ratelord doctor",
            outcome_unknown=True,
        ) from None
    except (httpx2.DecodingError, httpx2.SSEError) as error:
        raise UpstreamError(
            f"the answer of {connection.where} cannot be read ({_short(error)}); "
            "is it a ratelord daemon?",
            status=200,
            outcome_unknown=True,
        ) from None
    except httpx2.HTTPError as error:
        raise DaemonUnreachable(
            f"the connection to {connection.where} broke ({_short(error)}); try again",
            outcome_unknown=True,
        ) from None


def _short(error: Exception) -> str:
    said = _ERRNO.sub("", " ".join(str(error).split()))
    return said or type(error).__name__
