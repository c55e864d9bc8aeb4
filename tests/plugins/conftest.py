"""Enforcing servers on this machine, and accounts at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import anyio
import pytest

from ratelord_core.clock import SystemClock
from ratelord_core.model.config import ProviderConfig
from ratelord_core.provider import PollRequest, PollResult, Provider, ProviderFactory
from ratelord_core.testing.loopback import LoopbackServer


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """``serve(application)``: its address."""
    with ExitStack() as stack:
        yield lambda app, **how: stack.enter_context(LoopbackServer(app, **how)).url


class Account:
    """An account under test, polled on an event loop of its own."""

    def __init__(self, factory: ProviderFactory, options: dict[str, Any], secret: str | None):
        config = ProviderConfig(plugin=factory.name, id="acc", options=options)
        self.provider: Provider = factory.build(config, lambda: secret, SystemClock())

    def poll(self) -> PollResult:
        async def run() -> PollResult:
            try:
                return await self.provider.poll(PollRequest())
            finally:
                await self.provider.aclose()

        return anyio.run(run)


@pytest.fixture
def account() -> Callable[..., Account]:
    """``account(factory, secret=…, **options)``."""

    def made(factory: ProviderFactory, secret: str | None = "s3cret", **options: Any) -> Account:
        return Account(factory, options, secret)

    return made
