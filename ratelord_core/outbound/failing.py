"""What an answer that is no success means, where the provider has no words of its own for it."""

from __future__ import annotations

from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import parse_retry_after, read_any
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.outbound.client import Answer

PAUSE = 60.0
"""Seconds to wait after a refusal that names no time."""


def failure_of(who: str, answer: Answer, said: str, now: Micros) -> ProviderFailed:
    """The failure, by the answer's status; ``said`` are the provider's words, if it had any."""
    detail = f"{who} answered {answer.status}" + (f": {said}" if said else "")
    wait = wait_of(answer, now)
    if answer.status == 401:
        return ProviderFailed("unauthorized", f"{detail}; check the credential", wait)
    if answer.status == 429:
        return ProviderFailed("rate_limited", detail, PAUSE if wait is None else wait)
    if answer.status == 403:
        return ProviderFailed("forbidden", f"{detail}; check what the credential may do")
    if answer.status >= 500:
        return ProviderFailed("server_error", detail, wait)
    return ProviderFailed("malformed", f"{detail}; check the address and the options", wait)


def wait_of(answer: Answer, now: Micros) -> float | None:
    """Seconds that the answer asks to wait: its ``retry-after``, or the latest reset of what is
    used up."""
    if "retry-after" in answer.headers:
        wait = parse_retry_after(answer.headers["retry-after"], now)
        if wait is not None:
            return wait
    resets = [
        limit.reset_at
        for limit in read_any(answer.headers, now).limits
        if limit.remaining == 0 and limit.reset_at is not None
    ]
    return max(0, max(resets) - now) / SECOND if resets else None


def without(secret: str | None, error: ProviderFailed) -> ProviderFailed:
    """The failure, should its text repeat the secret, without it."""
    if not secret or secret not in error.detail:
        return error
    return ProviderFailed(error.kind, error.detail.replace(secret, "***"), error.retry_after)
