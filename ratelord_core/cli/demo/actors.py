"""Plays the agents, each on a thread of its own, through the client that strangers use."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Queue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from ratelord_core.cli.demo.scene import AGENTS, IDENTITY, Agent

if TYPE_CHECKING:
    from ratelord import Client, Decision

_WORK_SECONDS = 0.05


class Moment(NamedTuple):
    """Something to show. ``at`` is in seconds since the curtain rose."""

    at: float
    kind: Literal["decision", "started", "dry", "full"]
    agent: str = ""
    workload: str = ""
    decision: Decision | None = None
    pool: dict[str, Any] | None = None


class Actors:
    """All agents; they ask until the block ends. What happens lies in ``moments``."""

    def __init__(self, client: Client) -> None:
        self.moments: Queue[Moment] = Queue()
        self._client = client
        self._over = threading.Event()
        self._rose = time.monotonic()
        self._threads = [
            threading.Thread(target=self._play, args=(agent,), daemon=True) for agent in AGENTS
        ]

    def __enter__(self) -> Self:
        self._rose = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10.0)

    def elapsed(self) -> float:
        """Seconds since the curtain rose."""
        return time.monotonic() - self._rose

    def _play(self, agent: Agent) -> None:
        while not self._over.wait(agent.pace):
            decision = self._client.ask(
                f"demo:{agent.name}", IDENTITY, agent.workload, "global", **agent.options
            )
            self._tell("decision", agent, decision)
            if decision and decision.intent_id:
                self._act(agent, decision)

    def _act(self, agent: Agent, decision: Decision) -> None:
        interrupted = decision.wait_seconds > 0 and self._over.wait(decision.wait_seconds)
        if decision.wait_seconds > 0 and not interrupted:
            self._tell("started", agent, decision)
        if not interrupted:
            self._over.wait(_WORK_SECONDS)
        self._report(decision, "cancelled" if interrupted else "success")

    def _report(self, decision: Decision, outcome: Literal["cancelled", "success"]) -> None:
        from ratelord import RatelordError

        try:
            self._client.report(decision.intent_id, outcome=outcome)
        except RatelordError:
            self._over.set()  # the daemon is gone, and the play with it

    def _tell(self, kind: Literal["decision", "started"], agent: Agent, decision: Decision) -> None:
        self.moments.put(Moment(self.elapsed(), kind, agent.name, agent.workload, decision))


class PoolWatcher:
    """Notices when the pool runs dry, and when it is full again."""

    def __init__(self, look: Callable[[], dict[str, Any]], limit: int) -> None:
        self._look = look
        self._limit = limit
        self._dry = False

    def notice(self, at: float) -> Moment | None:
        """What changed since the last look, if anything."""
        pool = self._look()
        available = int(pool.get("available") or 0)
        if not self._dry and available == 0:
            self._dry = True
            return Moment(at, "dry", pool=pool)
        if self._dry and available >= self._limit // 2:
            self._dry = False
            return Moment(at, "full", pool=pool)
        return None
