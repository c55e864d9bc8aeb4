"""One poll, bounded in time, whose plugin may do anything: hang, raise, lie."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import PurePath

import anyio

from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.model.instant import SECOND, Micros, to_seconds
from ratelord_core.watch.account import Account
from ratelord_core.watch.course import Outcome
from ratelord_core.watch.sink import Sink
from ratelord_core.watch.vetting import vet_dates

Sleep = Callable[[Micros], Awaitable[None]]
"""Waits for a span; the daemon's waits in real time, a test's on its own clock."""

_CLOSING: Micros = 2 * SECOND
"""How long a provider may take to give up its connections."""

_log = logging.getLogger(__name__)


async def sleep_for_real(span: Micros) -> None:
    """Wait in real time."""
    await anyio.sleep(to_seconds(span))


async def within(sleep: Sleep, span: Micros, act: Callable[[], Awaitable[None]]) -> bool:
    """Do it, but cancel it after the span; whether it ended by itself. ``act`` must not raise."""
    ended = False

    async def expire() -> None:
        await sleep(span)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(expire)
        await act()
        ended = True
        tasks.cancel_scope.cancel()
    return ended


async def attempt(
    account: Account, sink: Sink, clock: Clock, sleep: Sleep, longest: Micros
) -> Outcome:
    """Poll the account once, for at most ``longest`` µs. Everything that the plugin does, but for
    our own cancellation, becomes a result or a failure."""
    outcome: Outcome = no_answer(longest)

    async def act() -> None:
        nonlocal outcome
        try:
            result = await account.poll(sink.poll_request(account.account_id))
            outcome = vet_dates(result, clock.now())
        except ProviderFailed as error:
            outcome = error
        except SettingsError as error:
            outcome = ProviderFailed("settings", str(error))
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            if _cancels_us(error):
                raise
            outcome = ProviderFailed("plugin", f"poll raised {_place(error)}")

    await within(sleep, longest, act)
    return outcome


def no_answer(longest: Micros) -> ProviderFailed:
    """The failure of a poll that was given up after so many µs."""
    return ProviderFailed("timeout", f"no answer within {to_seconds(longest):g} s")


async def close(account: Account, sleep: Sleep) -> None:
    """Let the provider give up its connections, even while we are cancelled, but not for long."""

    async def act() -> None:
        try:
            await account.provider.aclose()
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; closing goes on
            _log.warning("provider %s did not close: %s", account.account_id, _place(error))

    with anyio.CancelScope(shield=True):
        await within(sleep, _CLOSING, act)


def _cancels_us(error: BaseException) -> bool:
    """Whether a poll ended because its time is over or the watcher stops, rather than by a
    cancellation that the plugin made up."""
    cancelled = isinstance(error, anyio.get_cancelled_exc_class())
    return cancelled and anyio.current_effective_deadline() == float("-inf")


def _place(error: BaseException) -> str:
    """The error's kind and where it was raised; not its words, which may repeat a secret."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return type(error).__name__
    file = PurePath(place.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} at {file}:{place.tb_lineno}"
