"""A link between two machines, tried: one side answers, the other measures the round trip."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ratelord_core.cli.outcome import DONE, FAILED, UNREACHABLE, USAGE, CommandFailed
from ratelord_core.errors import (
    LeaderMoved,
    NobodyThere,
    PeerFailed,
    PluginError,
    TooLate,
    TransportFailed,
    TurnedAway,
)
from ratelord_core.transport import MAX_BODY, Address, Security, Transport, TransportFactory

if TYPE_CHECKING:
    from ratelord_core.plugins import Plugins

TOPIC: Final = "ping"
VARIABLE: Final = "RATELORD_FEDERATION_TOKEN"
"""The credential that both sides share: arguments are seen by everybody on the machine."""
HOOK: Final = "ratelord_register_transports"
_FINAL: Final = (LeaderMoved, NobodyThere, TurnedAway)
"""After these, another ping would tell the same."""


class Trial(msgspec.Struct, frozen=True):
    """How pings went. Round trips in µs, in the order of sending; ``failures`` by code, with what
    the last of them ``said``."""

    trips: tuple[int, ...]
    failures: dict[str, int]
    said: str = ""

    @property
    def sent(self) -> int:
        """How many."""
        return len(self.trips) + sum(self.failures.values())

    @property
    def exit_code(self) -> int:
        """0 if each was answered, 4 if nobody answered any, else 1."""
        if not self.failures:
            return DONE
        silent = {NobodyThere.code, TooLate.code}
        return UNREACHABLE if not self.trips and self.failures.keys() <= silent else FAILED


def typed_address(text: str) -> Address:
    """The address, unless it may hold something secret, or names no scheme."""
    address = Address(text)
    if "@" in text:
        raise CommandFailed(
            f"an argument is seen by everybody on the machine; take the credential out of the "
            f"address ({address}) and set {VARIABLE}",
            USAGE,
        )
    if not address.scheme:
        raise CommandFailed(
            f"the address {text!r} has no scheme; give one such as http://127.0.0.1:8092", USAGE
        )
    return address


def credential() -> str | None:
    """The credential from the environment."""
    return os.environ.get(VARIABLE) or None


def transport_for(plugins: Plugins, address: Address, security: Security) -> tuple[str, Transport]:
    """The transport of the address's scheme, and its name. Raises ``CommandFailed`` for a scheme
    that nobody knows, and ``PluginError`` for one that two plugins want to know."""
    by_scheme: dict[str, tuple[str, TransportFactory]] = {}
    plugins.named(HOOK)
    for plugin, factory in plugins.gather(HOOK):
        for scheme in factory.schemes:
            rival = by_scheme.setdefault(scheme, (plugin, factory))
            if rival[1] is not factory:
                raise PluginError(
                    f"plugin {plugin}: {scheme}:// is already plugin {rival[0]}'s; "
                    f"leave one out with --without {plugin}"
                )
    if address.scheme not in by_scheme:
        known = ", ".join(f"{scheme}://" for scheme in sorted(by_scheme)) or "none"
        raise CommandFailed(
            f"no transport knows {address.scheme}:// addresses; known are {known}", USAGE
        )
    factory = by_scheme[address.scheme][1]
    return factory.name, factory.build(security)


async def try_link(
    transport: Transport, address: Address, *, count: int, size: int, within: int
) -> Trial:
    """Send so many pings of so many bytes, one after another, each with ``within`` µs."""
    body = bytes(number % 256 for number in range(size))
    trips: list[int] = []
    failures: dict[str, int] = {}
    said = ""
    link = transport.connect(address)
    try:
        while len(trips) + sum(failures.values()) < count:
            begun = time.perf_counter_ns()
            try:
                if await link.call(TOPIC, body, within) != body:
                    raise PeerFailed(f"{address} answers something else than it was sent")
            except TransportFailed as error:
                failures[error.code] = failures.get(error.code, 0) + 1
                said = str(error)
                if isinstance(error, _FINAL):
                    break
            else:
                trips.append((time.perf_counter_ns() - begun) // 1000)
    finally:
        await link.aclose()
    return Trial(tuple(trips), failures, said)


async def answer_pings(
    transport: Transport, address: Address, ready: Callable[[Address], None]
) -> None:
    """Answer until SIGINT or SIGTERM; ``ready`` is told where."""
    over = asyncio.Event()
    running = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(name, over.set)
    served = await transport.serve(address, _returned)
    try:
        ready(served.address)
        await over.wait()
    finally:
        await served.aclose()


async def _returned(topic: str, body: bytes) -> bytes:
    """The same bytes. What this side does not know is a failure that its log shows."""
    if topic != TOPIC:
        raise LookupError(f"only {TOPIC!r} is answered here, not {topic!r}")
    return body


def figures(trial: Trial) -> dict[str, Any]:
    """The round trips in milliseconds. The first one, which also connects, stands apart from the
    others where there are others."""
    if not trial.trips:
        return {}
    later = sorted(trial.trips[1:] or trial.trips)
    return {
        "first": _ms(trial.trips[0]),
        "min": _ms(later[0]),
        "p50": _ms(_quantile(later, 0.5)),
        "p90": _ms(_quantile(later, 0.9)),
        "max": _ms(later[-1]),
    }


def check_size(size: int) -> int:
    """The size, if a message can have it."""
    if not 0 <= size <= MAX_BODY:
        raise CommandFailed(f"--bytes is {size}; give 0 to {MAX_BODY}", USAGE)
    return size


def _quantile(ordered: Sequence[int], share: float) -> int:
    """The nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _ms(micros: int) -> float:
    return round(micros / 1000, 3)
